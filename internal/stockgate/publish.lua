-- Overwrites the gates with what SQL says.
-- KEYS[1] the state, [2] available, [3] reserved, [4] claimed, [5] the holds.
-- ARGV[1] the version; [2] for how long the gates count from now, and [3] how
-- long they are kept, in ms; [4] the number of holds that are decided; their
-- digests; and then for each SKU its name and the units available and reserved.
-- Returns 1, and 0 when a later version is there already.
-- It is one step of Redis: nobody is admitted between the end of a hold and the
-- units that SQL gave away for it. What is claimed is added up anew, from the
-- holds that are left, so a mistake in it lasts until the next version.
local version = redis.call('HGET', KEYS[1], 'version')
if version and version > ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))

local decided = tonumber(ARGV[4])
for i = 5, 4 + decided do
  redis.call('HDEL', KEYS[5], ARGV[i])
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
for i = 5 + decided, #ARGV, 3 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 2])
end

local claimed, holds = {}, redis.call('HGETALL', KEYS[5])
for i = 1, #holds, 2 do
  local till, lines = string.match(holds[i + 1], '^(%d+) %d+(.*)$')
  if tonumber(till) < now then
    redis.call('HDEL', KEYS[5], holds[i])
  else
    for units, sku in string.gmatch(lines, ' (%d+) (%S+)') do
      claimed[sku] = (claimed[sku] or 0) + units
    end
  end
end
for sku, units in pairs(claimed) do
  redis.call('HSET', KEYS[4], sku, string.format('%.0f', units))
end
for i = 1, 4 do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
return 1
