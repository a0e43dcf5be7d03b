-- Gives back what a worker holds in counters that it knows nothing of any more.
-- KEYS: sessions, the counters.  ARGV: worker, session, prefix.
for i = 2, #KEYS do
  local held = figure(KEYS[i], 'h:' .. worker)
  if held ~= 0 then redis.call('HINCRBY', KEYS[i], 'h', -held) end
  redis.call('HDEL', KEYS[i], 'h:' .. worker)
  redis.call('SREM', prefix .. ':holds:' .. worker, KEYS[i])
  redis.call('SREM', prefix .. ':places:' .. worker, KEYS[i])
end
return 'OK'
