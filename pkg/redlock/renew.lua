-- Renews a lock that is still ours, and lets this node know its fence.
-- KEYS[1] the lock; KEYS[2] the last fence issued for it.
-- ARGV[1] the holder's value; ARGV[2] TTL in ms; ARGV[3] the fence; ARGV[4] ms to remember it.
-- Returns 1, or 0 when the lock is another's or nobody's.
-- Nobody can take the lock between the comparison and the renewal, so one that
-- was lost is never revived, and no later fence of this node is below ours.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if (tonumber(redis.call('GET', KEYS[2]) or '0') or 0) < tonumber(ARGV[3]) then
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
else
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return 1
