-- Reads a key or, when it is absent or empty, takes the lease on it. No
-- envelope is empty: what a stranger left there counts as absent.
-- KEYS[1] the key; ARGV[1] the lease placeholder; ARGV[2] its life in ms.
-- Returns what the key held, or false when the lease is now ours.
-- The read and the write are one step of Redis, so of many readers who miss
-- together exactly one gets the lease.
local held = redis.call('GET', KEYS[1])
if held and held ~= '' then
  return held
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
