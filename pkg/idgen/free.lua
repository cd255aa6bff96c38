-- Ends a lease, if it is the last of its number.
-- KEYS[1] as in take.lua. ARGV[1] worker; ARGV[2] term; ARGV[3] the highest
-- timestamp that was used.
local term, owner = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+):%d+:%d+:(.*)$')
if term == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], term .. ':0:' .. ARGV[3] .. ':' .. owner)
end
return 0
