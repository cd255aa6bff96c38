-- Stores a new value of a state under a version of its own.
-- KEYS[1] the state: a hash of version and data
-- ARGV[1] the version that must be stored now, 0 for none, "" for any
-- ARGV[2] the newest version that the writer knows
-- ARGV[3] the data
-- Returns the new version as text, or "" when another version is stored.
-- Compare and set are one step, so of two writers that read the same version
-- one is told to read again. A version is also the server's time in µs, and so
-- rises even when Redis has forgotten the last one.
local stored = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if ARGV[1] ~= '' and tonumber(ARGV[1]) ~= stored then
  return ''
end
local time = redis.call('TIME')
local version = math.max(stored + 1, ARGV[2] + 1, time[1] * 1000000 + time[2])
local text = string.format('%.0f', version)
redis.call('HSET', KEYS[1], 'version', text, 'data', ARGV[3])
return text
