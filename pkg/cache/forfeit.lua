-- Gives a lease or a claim back, so that others need not wait it out.
-- KEYS[1] the key; ARGV[1] our placeholder.
-- The comparison and the deletion are one step of Redis: another's lease or a
-- value stays.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
