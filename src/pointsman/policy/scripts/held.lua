-- Where Redis believes that a worker holds something.
-- KEYS: sessions.  ARGV: worker, session, prefix.
return { redis.call('SMEMBERS', prefix .. ':holds:' .. worker), redis.call('SMEMBERS', prefix .. ':places:' .. worker) }
