-- Broadcasts ARGV[2] under the channel's next position.
-- KEYS[1] the channel's state: a hash of epoch and seq
-- ARGV[1] a nonce that becomes the epoch if there is none
-- ARGV[2] the body
-- ARGV[3] the channel
-- Redis runs a script alone, so the order of sequence numbers is the order of
-- delivery, and no subscriber can see a number whose message is not yet sent.
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
local epoch
if seq == 1 then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
else
  epoch = redis.call('HGET', KEYS[1], 'epoch')
end
local at = string.format('%.0f', seq)
redis.call('PUBLISH', ARGV[3], epoch .. ' ' .. at .. ' ' .. ARGV[2])
return at
