-- Admits orders while there are units left for them.
-- KEYS[1] the state, [2] available, [3] reserved, [4] claimed, [5] the holds,
-- and then the waiting room of each SKU that is asked for.
-- ARGV[1] how long a hold lasts and [2] a place in a waiting room, in ms; [3] how
-- many holds there may be; [4] the number of SKUs; the SKUs; and then for each
-- order its digest, its id, the number of its lines, and for each of those the
-- number of its SKU and the units.
-- Returns for each order 0 when it passes, 1 when it passes and the hold is its
-- own; and of line n, counted from 1, of which there is too little, 2n when it
-- may wait for units to come back and 2n+1 when not. Returns nothing at all when
-- the gates do not count.
-- To read what is left and to claim it is one step of Redis: however many
-- replicas ask at once, no more is claimed than is there. A key that has a hold
-- never takes another, so to run it again changes nothing, and answers the same.
local till = redis.call('HGET', KEYS[1], 'until')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not till or tonumber(till) < now or redis.call('HLEN', KEYS[5]) >= tonumber(ARGV[3]) then
  return {}
end

local count = tonumber(ARGV[4])
local offered, left, claimed, taken = {}, {}, {}, {}
for s = 1, count do
  local sku = ARGV[4 + s]
  local available = redis.call('HGET', KEYS[2], sku)
  if available then -- else it has no gate
    claimed[s] = tonumber(redis.call('HGET', KEYS[4], sku) or 0)
    offered[s], left[s], taken[s] = tonumber(available), available - claimed[s], 0
  end
end

-- May the one who wants so many units wait for them? While SQL has them on offer
-- everybody may: only holds are in the way, of which nobody knows yet whether an
-- order comes. Else as many as there are units that can come back: those that
-- are held, in SQL or here.
local function mayWait(digest, s, units)
  if units <= offered[s] then
    return true
  end
  local back = claimed[s] + taken[s] + (redis.call('HGET', KEYS[3], ARGV[4 + s]) or 0)
  if back == 0 or units > left[s] + back then
    return false
  end
  local room = KEYS[5 + s]
  redis.call('ZREMRANGEBYSCORE', room, '-inf', now)
  if redis.call('ZCARD', room) >= back and not redis.call('ZSCORE', room, digest) then
    return false
  end
  redis.call('ZADD', room, now + ARGV[2], digest)
  redis.call('PEXPIRE', room, ARGV[2])
  return true
end

local reply, some = {}, false
local at = 5 + count
while at <= #ARGV do
  local digest, lines = ARGV[at], tonumber(ARGV[at + 2])
  local held = redis.call('HGET', KEYS[5], digest)
  local hold, short = string.format('%.0f', now + ARGV[1]) .. ' ' .. ARGV[at + 1], nil
  for n = 1, lines do
    local s, units = tonumber(ARGV[at + 1 + 2 * n]), tonumber(ARGV[at + 2 + 2 * n])
    if left[s] then
      hold = hold .. ' ' .. ARGV[at + 2 + 2 * n] .. ' ' .. ARGV[4 + s]
      if not short and left[s] < units then
        short = n
      end
    end
  end
  local answer = 0
  if held then
    answer = string.match(held, '^%d+ (%d+)') == ARGV[at + 1] and 1 or 0
  elseif short then
    local s, units = tonumber(ARGV[at + 1 + 2 * short]), tonumber(ARGV[at + 2 + 2 * short])
    answer = 2 * short + (mayWait(digest, s, units) and 0 or 1)
  else
    redis.call('HSET', KEYS[5], digest, hold)
    answer, some = 1, true
    for n = 1, lines do
      local s, units = tonumber(ARGV[at + 1 + 2 * n]), tonumber(ARGV[at + 2 + 2 * n])
      if left[s] then
        left[s], taken[s] = left[s] - units, taken[s] + units
      end
    end
  end
  reply[#reply + 1] = answer
  at = at + 3 + 2 * lines
end

if some then
  for s = 1, count do
    if taken[s] and taken[s] > 0 then
      redis.call('HINCRBY', KEYS[4], ARGV[4 + s], taken[s])
    end
  end
  redis.call('PEXPIRE', KEYS[4], ARGV[1])
  redis.call('PEXPIRE', KEYS[5], ARGV[1])
end
return reply
