-- Adds what a worker has counted by itself since it last told.
-- KEYS: sessions, one per counter.
-- ARGV: worker, session, prefix, then per counter: kind, used, held, milliseconds to keep it.
-- Of a bucket, used is units; of a run, used is requests, and held how many it is known to have had.
for i = 1, #KEYS - 1 do
  local at, key = 4 * i, KEYS[1 + i]
  local kind, used = ARGV[at], ARGV[at + 1]
  if kind == 'rate' then
    -- Its pace is not known here: what drains meanwhile is taken out at the next look.
    if redis.call('EXISTS', key) == 0 then redis.call('HSET', key, 'at', string.format('%.0f', now_us)) end
    local level = tonumber(redis.call('HGET', key, 'level') or '0') + tonumber(used) * MINUTE_US
    redis.call('HSET', key, 'level', string.format('%.0f', math.max(0, level)))
    if redis.call('PTTL', key) < tonumber(ARGV[at + 3]) then redis.call('PEXPIRE', key, ARGV[at + 3]) end
  elseif kind == 'run' then
    -- A server that has lost its data begins with what the worker knows of.
    local calls = math.max(figure(key, 'calls'), tonumber(ARGV[at + 2]))
    redis.call('HSET', key, 'calls', string.format('%.0f', calls + tonumber(used)))
    redis.call('PEXPIRE', key, ARGV[at + 3])
  else
    add(key, kind, used, ARGV[at + 2], ARGV[at + 3])
  end
end
return 'OK'
