-- Extends a lease until a TTL from now, if it is the last of its number.
-- KEYS[1] as in take.lua. ARGV[1] worker; ARGV[2] term; ARGV[3] TTL in ms.
-- Returns {high water, now in µs} as text, or nothing when it is not.
-- In an older copy of the hash, an ended lease may be followed by one that was
-- lost and is still used: there, until nothing lost can be used any more, only
-- a lease that had not ended is extended. Nobody could take its number.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rows = redis.call('HMGET', KEYS[1], ARGV[1], 'born', 'server')
local term, ended, mark, owner = string.match(rows[1] or '', '^(%d+):(%d+):(%d+):(.*)$')
if term ~= ARGV[2] then
  return {}
end
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local older = (rows[3] or '') ~= server or now < tonumber(rows[2] or '0') + ARGV[3]
if older and tonumber(ended) <= now then
  return {}
end
local ending = now + ARGV[3]
mark = string.format('%.0f', math.max(tonumber(mark), ending))
redis.call('HSET', KEYS[1], ARGV[1], term .. ':' .. string.format('%.0f', ending) .. ':' .. mark .. ':' .. owner)
return {mark, string.format('%.0f', time[1] * 1000000 + time[2])}
