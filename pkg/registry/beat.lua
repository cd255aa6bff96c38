-- Keeps an instance in its service's list for another TTL.
-- KEYS[1] zset: instance id -> ms at which it ends; KEYS[2] hash: id -> JSON;
-- KEYS[3] hash of the service: "born" ms at which these keys were begun,
-- "version", and "left:<id>" ms until which a deregistered id is remembered.
-- ARGV[1] TTL in ms; ARGV[2] the id; ARGV[3] its JSON.
-- Returns {version as text, 1 if the membership changed, 1 if it had left}.
-- The clock, the look at who left and the entry are one step of Redis, so a
-- beat that comes after a deregistration never undoes it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HEXISTS', KEYS[3], 'left:' .. ARGV[2]) == 1 then
  return {redis.call('HGET', KEYS[3], 'version') or '0', 0, 1}
end
local ending = redis.call('ZSCORE', KEYS[1], ARGV[2])
local known = ending and tonumber(ending) > now and redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[3]
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), ARGV[2])
if known then
  return {redis.call('HGET', KEYS[3], 'version') or '0', 0, 0}
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HSETNX', KEYS[3], 'born', string.format('%.0f', now))
-- Above the version before, also where Redis has forgotten it.
local version = math.max(tonumber(redis.call('HGET', KEYS[3], 'version') or '0') + 1, time[1] * 1000000 + time[2])
version = string.format('%.0f', version)
redis.call('HSET', KEYS[3], 'version', version)
return {version, 1, 0}
