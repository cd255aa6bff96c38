-- Takes a lock that is free and issues its fence.
-- KEYS[1] the lock; KEYS[2] the last fence issued for it.
-- ARGV[1] the holder's random value; ARGV[2] TTL in ms; ARGV[3] ms to remember the fence.
-- Returns the fence as text, nothing when the lock is held.
-- Taking and issuing are one step of Redis, so fences have the order of the
-- holders. Each is above the last one, and at least the time in µs: so it is
-- above those that a Redis forgot, too, unless its clock was set back.
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return false
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- As text: Redis would print a number of this size as 1.79e+15.
local fence = time[1] .. string.format('%06d', time[2])
local last = tonumber(redis.call('SET', KEYS[2], fence, 'PX', ARGV[3], 'GET') or '0') or 0
if last >= now then
  fence = string.format('%.0f', last + 1)
  redis.call('SET', KEYS[2], fence, 'PX', ARGV[3])
end
return fence
