-- A worker ends in order; it holds nothing any more.
-- KEYS: sessions, leases.  ARGV: worker, session.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'GONE' end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 'OK'
