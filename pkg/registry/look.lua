-- Lists a service's instances, and takes off those whose time is over.
-- KEYS as in beat.lua. ARGV[1] TTL in ms.
-- Returns {version as text, 1 if the membership changed, 1 if every instance
-- that lives must be on the list, {JSON …}, {ids that left …}}.
-- Looking and taking off are one step of Redis, so each end is found once.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local version = redis.call('HGET', KEYS[3], 'version') or '0'
if #ended > 0 then
  for i, id in ipairs(ended) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
  end
  version = string.format('%.0f', math.max(tonumber(version) + 1, time[1] * 1000000 + time[2]))
  redis.call('HSET', KEYS[3], 'version', version)
end
-- Keys that are younger than a TTL may follow a list that was lost.
local born = redis.call('HGET', KEYS[3], 'born')
local whole = born and now >= tonumber(born) + ARGV[1]
local left = {}
for i, field in ipairs(redis.call('HKEYS', KEYS[3])) do
  if string.sub(field, 1, 5) == 'left:' then
    left[#left + 1] = string.sub(field, 6)
  end
end
return {version, #ended > 0 and 1 or 0, whole and 1 or 0, redis.call('HVALS', KEYS[2]), left}
