-- A worker says that the trial of a breaker succeeded.
-- KEYS: breakers, their trials (prefix).  ARGV: place, worker, request that closed it.
local time = redis.call('TIME')
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then return '' end
local entry = cjson.decode(known)
entry.state = 'closed'
entry.closed_by = ARGV[3]
entry.told_by = ARGV[2]
entry.touched_ms = time[1] * 1000 + math.floor(time[2] / 1000)
entry.number = redis.call('INCR', KEYS[1] .. ':number')
local written = cjson.encode(entry)
redis.call('HSET', KEYS[1], ARGV[1], written)
redis.call('DEL', KEYS[2] .. ARGV[1])
return written
