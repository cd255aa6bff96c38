-- Lists a service's instances, and takes off those whose time is over.
-- KEYS, ARGV[1] and ARGV[2] as in beat.lua.
-- Returns {version as text, 1 if the membership changed, 1 if every instance
-- that lives must be on the list, {JSON …}, {ids that left …}}.
-- Looking and taking off are one step of Redis, so each end is found once.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local facts = redis.call('HMGET', KEYS[3], 'version', 'heard', 'since')
local version, heard, since = facts[1] or '0', tonumber(facts[2] or '0'), tonumber(facts[3] or '0')
local at = string.format('%.0f', now)
redis.call('HSET', KEYS[3], 'heard', at)
if now - heard > tonumber(ARGV[2]) then
  since = now
  redis.call('HSET', KEYS[3], 'since', at)
end
-- For a TTL after a pause, or the loss of these keys, an instance may live and
-- have had no occasion to say so: Redis was away, and not the instance.
local whole = now >= since + ARGV[1]
local ended = {}
if whole then
  ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', at)
end
for i, id in ipairs(ended) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
if #ended > 0 then
  version = string.format('%.0f', math.max(tonumber(version) + 1, time[1] * 1000000 + time[2]))
  redis.call('HSET', KEYS[3], 'version', version)
end
local left = {}
for i, field in ipairs(redis.call('HKEYS', KEYS[3])) do
  if string.sub(field, 1, 5) == 'left:' then
    left[#left + 1] = string.sub(field, 6)
  end
end
return {version, #ended > 0 and 1 or 0, whole and 1 or 0, redis.call('HVALS', KEYS[2]), left}
