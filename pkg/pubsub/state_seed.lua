-- Gives a state back to a Redis that has lost it, or has an older version.
-- KEYS[1] as in state_write.lua
-- ARGV[1] the version; ARGV[2] its data
-- Returns 1 when it was stored.
-- Comparing and storing are one step: of many that give back what they know,
-- the newest stays, in whatever order they come. What one has given back may
-- not be the newest, so changes of it wait for the others, from "born" on.
if tonumber(redis.call('HGET', KEYS[1], 'version') or '0') >= tonumber(ARGV[1]) then
  return 0
end
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local time = redis.call('TIME')
local born = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'data', ARGV[2], 'server', server, 'born', born)
return 1
