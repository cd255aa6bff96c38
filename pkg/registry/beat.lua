-- Keeps an instance in its service's list for another TTL.
-- KEYS[1] zset: instance id -> ms at which it ends; KEYS[2] hash: id -> JSON;
-- KEYS[3] hash of the service: "version", "heard" ms of the last beat or look,
-- "since" ms from which on they came without a pause, and "left:<id>" ms until
-- which a deregistered id is remembered.
-- ARGV[1] TTL in ms; ARGV[2] ms between two of them that are a pause;
-- ARGV[3] the id; ARGV[4] its JSON.
-- Returns {version as text, 1 if the membership changed, 1 if it had left}.
-- The clock, the look at who left and the entry are one step of Redis, so a
-- beat that comes after a deregistration never undoes it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local facts = redis.call('HMGET', KEYS[3], 'version', 'heard', 'left:' .. ARGV[3])
local version, heard = facts[1] or '0', tonumber(facts[2] or '0')
if facts[3] then
  return {version, 0, 1}
end
local ending = redis.call('ZSCORE', KEYS[1], ARGV[3])
local known = ending and tonumber(ending) > now and redis.call('HGET', KEYS[2], ARGV[3]) == ARGV[4]
local at = string.format('%.0f', now)
local fields = {'heard', at}
if now - heard > tonumber(ARGV[2]) then
  fields[3], fields[4] = 'since', at
end
if not known then
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  -- Above the version before, also where Redis has forgotten it.
  version = string.format('%.0f', math.max(tonumber(version) + 1, time[1] * 1000000 + time[2]))
  fields[#fields + 1], fields[#fields + 2] = 'version', version
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), ARGV[3])
redis.call('HSET', KEYS[3], unpack(fields))
return {version, known and 0 or 1, 0}
