-- Gives a state back to a Redis that has lost it, or has an older version.
-- KEYS[1] the state: a hash of version and data
-- ARGV[1] the version; ARGV[2] its data
-- Returns 1 when it was stored.
-- Comparing and storing are one step: of many that give back what they know,
-- the newest stays, in whatever order they come.
if tonumber(redis.call('HGET', KEYS[1], 'version') or '0') >= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'data', ARGV[2])
return 1
