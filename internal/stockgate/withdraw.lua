-- Ends holds that no order came of.
-- KEYS[1] claimed, [2] the holds. ARGV: for each its digest and the id of its
-- order.
-- The hold and what it claimed go in one step; a hold that is not there any more,
-- or is another order's of the same key, stays as it is. So to run it again
-- changes nothing.
for i = 1, #ARGV, 2 do
  local hold = redis.call('HGET', KEYS[2], ARGV[i])
  local order, lines = string.match(hold or '', '^%d+ (%d+)(.*)$')
  if order == ARGV[i + 1] then
    redis.call('HDEL', KEYS[2], ARGV[i])
    for units, sku in string.gmatch(lines, ' (%d+) (%S+)') do
      redis.call('HINCRBY', KEYS[1], sku, -units)
    end
  end
end
return 0
