-- Replaces a lease by the value that was loaded under it.
-- KEYS[1] the key; ARGV[1] our placeholder; ARGV[2] the value; ARGV[3] its
-- life in ms. Returns 1, or 0 when the lease is gone: somebody deleted the
-- key after we began to load, so the value may be older than that.
-- The comparison and the write are one step of Redis.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return 0
