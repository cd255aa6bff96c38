-- Frees a lock that is still ours and wakes who waits for it.
-- KEYS[1] the lock, and the channel of its waiters; KEYS[2] its fence, which stays.
-- ARGV[1] the holder's value.
-- Returns 1, or 0 when the lock is another's or nobody's.
-- Nobody can take the lock between the comparison and the deletion, so another
-- holder's is never freed.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1], '')
return 1
