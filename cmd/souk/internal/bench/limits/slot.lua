-- Takes a slot of a user's, as long as there are fewer than so many.
-- KEYS[1] the user's slots: a sorted set of requests, each by the ms until which
-- it counts. ARGV[1] how many slots there are; ARGV[2] the time now in ms;
-- ARGV[3] until when the slot counts; ARGV[4] the request.
-- Returns 1 when it has its slot, 0 when there is none. To count and to take is
-- one step of Redis, so that two requests never share the last one.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) and not redis.call('ZSCORE', KEYS[1], ARGV[4]) then
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3] - ARGV[2])
return 1
