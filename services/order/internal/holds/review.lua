-- Reviews a user's slots that were found beyond the cap: what has run out is
-- forgotten, and of the slots just taken the last are given back that are still
-- too many.
-- KEYS[1] the user's slots: a sorted set of keys' digests, each by the ms since
-- 1970 until which it counts.
-- ARGV[1] how many slots there are; ARGV[2] the time now, in ms; then, for each
-- request in the order they came, its digest and 1 if it took the slot, 0 if it
-- found it taken.
-- Returns for each request 1 when it may pass, 0 when not; and then the ms until
-- the next slot runs out. To run it again changes nothing.
-- Whoever is reviewed was counted first (take.go). To count and to give back is
-- one step of Redis: of those who came together each finds the others counted,
-- so never do more stay than there are slots, and never fewer while anybody asks.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local count, max = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[1])
for i = #ARGV - 1, 3, -2 do
  if count > max and ARGV[i + 1] == '1' then
    count = count - redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
local reply = {}
for i = 3, #ARGV, 2 do
  -- While there are too many, a slot found taken may be another's who is about
  -- to give it back. What has placed its order passes all the same.
  local stays = count <= max and redis.call('ZSCORE', KEYS[1], ARGV[i])
  reply[#reply + 1] = stays and 1 or 0
end
local wait = 0
if count >= max then
  local first = redis.call('ZRANGE', KEYS[1], count - max, count - max, 'WITHSCORES')
  wait = first[2] - ARGV[2]
end
reply[#reply + 1] = wait
return reply
