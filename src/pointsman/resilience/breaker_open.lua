-- A worker says that a breaker opened, or that its trial failed.
-- KEYS: breakers, their trials (prefix).
-- ARGV: place, worker, milliseconds it stays open, what opened it (JSON), `again` after a trial.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HGET', KEYS[1], ARGV[1])
local entry = known and cjson.decode(known) or nil
local is_open = entry ~= nil and entry.state == 'open'
if is_open and ARGV[5] ~= 'again' then return known end
if not is_open then
  entry = cjson.decode(ARGV[4])
  entry.state = 'open'
  entry.opened_at = ARGV[2]
end
entry.until_ms = now + ARGV[3]
entry.touched_ms = now
entry.told_by = ARGV[2]
entry.number = redis.call('INCR', KEYS[1] .. ':number')
local written = cjson.encode(entry)
redis.call('HSET', KEYS[1], ARGV[1], written)
if redis.call('GET', KEYS[2] .. ARGV[1]) == ARGV[2] then redis.call('DEL', KEYS[2] .. ARGV[1]) end
return written
