-- A worker begins a session: whatever its older ones still have under way counts no more.
-- KEYS: sessions, leases.  ARGV: worker, milliseconds of the lease.
local session = redis.call('HINCRBY', KEYS[1], '#', 1)
redis.call('HSET', KEYS[1], ARGV[1], session)
local time = redis.call('TIME')
redis.call('HSET', KEYS[2], ARGV[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
return session
