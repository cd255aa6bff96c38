-- Has slots of a user count on for a penalty, from now, whatever became of them.
-- KEYS[1] the user's slots, as in take.lua.
-- ARGV[1] ms of the penalty; ARGV[2] ms after which the whole set may be
-- forgotten, as in take.lua; ARGV[3] and those after it: the keys' digests.
-- Reading the clock and writing are one step of Redis.
local time = redis.call('TIME')
local till = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
for i = 3, #ARGV do
  redis.call('ZADD', KEYS[1], till, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
