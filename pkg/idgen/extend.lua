-- Extends a lease until a TTL from now, if it is the last of its number.
-- KEYS[1] as in take.lua. ARGV[1] worker; ARGV[2] term; ARGV[3] TTL in ms.
-- Returns {high water, now in µs} as text, or nothing when it is not.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local row = redis.call('HGET', KEYS[1], ARGV[1])
local term, mark, owner = string.match(row or '', '^(%d+):%d+:(%d+):(.*)$')
if term ~= ARGV[2] then
  return {}
end
local ending = now + ARGV[3]
mark = string.format('%.0f', math.max(tonumber(mark), ending))
redis.call('HSET', KEYS[1], ARGV[1], term .. ':' .. string.format('%.0f', ending) .. ':' .. mark .. ':' .. owner)
return {mark, string.format('%.0f', time[1] * 1000000 + time[2])}
