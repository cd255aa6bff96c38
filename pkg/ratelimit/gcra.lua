-- Decides on requests of a key by GCRA, one after the other, and charges those
-- that are allowed.
-- KEYS[1] the key, which holds the theoretical arrival time (TAT): the µs at
-- which the bucket is full again.
-- ARGV[1] µs between two tokens; ARGV[2] burst; ARGV[3] and those after it:
-- tokens that each request asks for, or gives back if negative.
-- Returns in one list, for each: allowed, tokens left, µs until as many would be
-- allowed, µs until full.
-- The clock, the read and the write are one step of Redis, so no two requests
-- are charged to the same TAT, and all are measured by one clock.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = interval * burst
-- No TAT is further ahead than a full burst, unless the clock was set back.
local tat = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0') or 0, now), now + full)
local charged, reply = false, {}
for i = 3, #ARGV do
  local cost = interval * ARGV[i]
  local wait = tat + cost - now - full
  if wait <= 0 then
    tat, charged = math.max(tat + cost, now), true
  end
  local n = #reply
  reply[n + 1], reply[n + 2] = wait <= 0 and 1 or 0, math.floor((full - (tat - now)) / interval)
  reply[n + 3], reply[n + 4] = math.max(wait, 0), tat - now
end
if charged then
  -- As text: Redis would print a number of this size as 1.79e+15.
  redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.max(math.ceil((tat - now) / 1000), 1))
end
return reply
