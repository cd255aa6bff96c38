-- Broadcasts ARGV[2] at the channel's next position and keeps it for those who
-- miss it.
-- KEYS[1] the channel's position: "<epoch> <sequence> <nonce>" of its last frame
-- KEYS[2] the channel's log: a stream of the last frames by sequence
-- ARGV[1] this frame's nonce, and the epoch's name if there is none yet
-- ARGV[2] the body; ARGV[3] the channel
-- ARGV[4] frames to keep, about; 0 leaves this one out
-- A frame is "<epoch> <sequence> <nonce before> <nonce> <body>".
-- Redis runs a script alone, so positions are in the order of delivery, and
-- whoever reads a position finds its frame sent, and in the log or the log
-- without it. Scripts are also whole in AOF and replicas: position and log go
-- back together.
local epoch, seq, before = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%d+) (%S+)$')
if not epoch then
  epoch, seq, before = ARGV[1], '0', '-'
  redis.call('DEL', KEYS[2]) -- of an epoch whose position was lost
end
local at = string.format('%.0f', seq + 1)
local frame = epoch .. ' ' .. at .. ' ' .. before .. ' ' .. ARGV[1] .. ' ' .. ARGV[2]
local kept = ARGV[4] ~= '0' and redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], at .. '-0', 'f', frame)
if not kept or type(kept) == 'table' then
  -- The frame is too large, or Redis is full. Nobody can catch up across the
  -- hole, so the log goes. A full Redis refuses what may need memory until a
  -- script has written something: this is also what lets the SET pass. Whatever
  -- else had XADD fail, such as a read-only replica, has this fail, too.
  redis.call('DEL', KEYS[2])
end
redis.call('SET', KEYS[1], epoch .. ' ' .. at .. ' ' .. ARGV[1])
redis.call('PUBLISH', ARGV[3], frame)
return at
