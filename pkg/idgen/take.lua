-- Leases a free worker number.
-- KEYS[1] a hash: worker number -> "term:until:high water:owner", all as text,
-- "server" -> the run id of the Redis that keeps it, "" if that tells none, and
-- "born" -> when that Redis began to keep it; times are Unix milliseconds.
-- ARGV[1] the first number; ARGV[2] the number after the last; ARGV[3] TTL in ms;
-- ARGV[4] the owner, for people.
-- Returns {worker, term, after, high water, now in µs} as text,
-- or nothing when none is free.
-- Looking and taking are one step of Redis, measured by one clock, so no two
-- processes take one number.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local micros = string.format('%.0f', time[1] * 1000000 + time[2])
local first, ending, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- A hash that is not there may have been lost with leases in it that are still
-- used, and one that another run of Redis kept may be an older copy, without the
-- last of them: nothing is free until the longest has ended. That is enough, as
-- no mark is more than a TTL ahead of the newest clock that was seen.
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local kept = redis.call('HMGET', KEYS[1], 'born', 'server')
if not kept[1] or (kept[2] or '') ~= server then
  redis.call('HSET', KEYS[1], 'born', string.format('%.0f', now), 'server', server)
  return {}
end
if now < tonumber(kept[1]) + ttl then
  return {}
end
local names = {}
for worker = first, ending - 1 do
  names[#names + 1] = tostring(worker)
end
local rows = redis.call('HMGET', KEYS[1], unpack(names))
local worker, term, after, oldest
for i = 1, #names do
  if not rows[i] then
    worker, term, after = names[i], 0, 0
    break
  end
  local t, ended, mark = string.match(rows[i], '^(%d+):(%d+):(%d+):')
  ended = tonumber(ended)
  if ended <= now and (not oldest or ended < oldest) then
    worker, term, after, oldest = names[i], tonumber(t), tonumber(mark), ended
  end
end
if not worker then
  return {}
end
-- Terms rise also when Redis has forgotten the one before.
term = string.format('%.0f', math.max(term + 1, tonumber(micros)))
-- A clock that was set back lowers no mark, or the next holder would start
-- below this number's ids; nor does it raise one, or marks would run ahead. The
-- holder has no ids until the clock is near the mark again.
local mark = string.format('%.0f', math.max(now + ttl, after))
redis.call('HSET', KEYS[1], worker, term .. ':' .. string.format('%.0f', now + ttl) .. ':' .. mark .. ':' .. ARGV[4])
return {worker, term, string.format('%.0f', after), mark, micros}
