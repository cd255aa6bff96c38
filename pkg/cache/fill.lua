-- Puts what was loaded in the place of what stood there when the load began, a
-- lease or the entry that is refreshed, or a lease in the place of what nobody
-- can read.
-- KEYS[1] the key; ARGV[1] how the key's content must still begin; ARGV[2] the
-- new content; ARGV[3] its life in ms. Returns 1, or 0 when the key begins
-- otherwise: it was deleted or written since, so what was loaded may be older.
-- The comparison and the write are one step of Redis. ARGV[1] holds a random
-- number, so an equal beginning is the same content; without one, where nobody
-- can read it, it may be the same again.
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return 0
