-- Stores a new value of a state under a version of its own.
-- KEYS[1] the state: a hash of version and data, "server" -> the run id of the
-- Redis that keeps it, "" if that tells none, and "born" -> when it was seen
-- that this memory may be younger than the state, in µs
-- ARGV[1] the version that must be stored now, 0 for none, "" for any
-- ARGV[2] the newest version that the writer knows
-- ARGV[3] the data
-- ARGV[4] µs after "born" in which processes give back what was lost
-- Returns the new version as text, or else why the writer has to read again: ""
-- when another version is stored, "wait <µs>" while one may still be given back.
-- Compare and set are one step, so of two writers that read the same version
-- one is told to read again. A version is also the server's time in µs, and so
-- rises even when Redis has forgotten the last one.
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local row = redis.call('HMGET', KEYS[1], 'version', 'server', 'born')
local stored, born = tonumber(row[1] or '0'), row[3] and tonumber(row[3])
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'born') -- whatever was lost is replaced
elseif (row[2] or '') ~= server or not (row[1] or born) then
  redis.call('HSET', KEYS[1], 'server', server, 'born', string.format('%.0f', now))
  return 'wait ' .. ARGV[4]
elseif tonumber(ARGV[1]) ~= stored then
  return ''
elseif born and math.abs(now - born) < tonumber(ARGV[4]) then
  -- abs: a clock that was set back holds nobody up for long
  return 'wait ' .. string.format('%.0f', ARGV[4] - math.abs(now - born))
end
local text = string.format('%.0f', math.max(stored + 1, ARGV[2] + 1, now))
redis.call('HSET', KEYS[1], 'version', text, 'data', ARGV[3], 'server', server)
return text
