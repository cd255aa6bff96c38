-- Takes slots among a user's open orders for some keys, one after the other.
-- KEYS[1] the user's slots: a sorted set of keys' digests, each by the ms until
-- which it counts.
-- ARGV[1] how many slots there are; ARGV[2] ms for which a new one counts;
-- ARGV[3] ms after which the whole set may be forgotten, at least as long as
-- anything counts; ARGV[4] and those after it: the digests.
-- Returns for each digest 1 when it took a slot, 0 when it had one, 2 when there
-- is none; and then the ms until there is one, 0 when there is.
-- All times are Redis' own. Forgetting, counting and adding are one step of
-- Redis, so no two requests, of whichever replica, take the same slot.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local count, max = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[1])
local till = string.format('%.0f', now + ARGV[2])
local reply, added, full = {}, false, false
for i = 4, #ARGV do
  if count < max then
    local taken = redis.call('ZADD', KEYS[1], 'NX', till, ARGV[i])
    count, added = count + taken, added or taken == 1
    reply[#reply + 1] = taken
  elseif redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    reply[#reply + 1] = 0
  else
    reply[#reply + 1] = 2
    full = true
  end
end
local wait = 0
if full then
  -- There may be more than max: the setting was lowered.
  local next = redis.call('ZRANGE', KEYS[1], count - max, count - max, 'WITHSCORES')
  wait = next[2] - now
end
if added then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
reply[#reply + 1] = wait
return reply
