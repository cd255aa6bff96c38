-- Takes an instance off its service's list for good.
-- KEYS, ARGV[1] and ARGV[2] as in beat.lua; ARGV[3] the id.
-- Returns {version as text, 1 if the membership changed}.
-- Removing it and remembering that it left are one step of Redis.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A beat that is on its way comes within moments; the memory lasts ten TTLs,
-- and those that are over go with it.
for i, field in ipairs(redis.call('HKEYS', KEYS[3])) do
  if string.sub(field, 1, 5) == 'left:' and tonumber(redis.call('HGET', KEYS[3], field)) < now then
    redis.call('HDEL', KEYS[3], field)
  end
end
redis.call('HSET', KEYS[3], 'left:' .. ARGV[3], string.format('%.0f', now + 10 * ARGV[1]))
redis.call('HDEL', KEYS[2], ARGV[3])
if redis.call('ZREM', KEYS[1], ARGV[3]) == 0 then
  return {redis.call('HGET', KEYS[3], 'version') or '0', 0}
end
local version = math.max(tonumber(redis.call('HGET', KEYS[3], 'version') or '0') + 1, time[1] * 1000000 + time[2])
version = string.format('%.0f', version)
redis.call('HSET', KEYS[3], 'version', version)
return {version, 1}
