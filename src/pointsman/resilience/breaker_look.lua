-- A worker looks at all breakers, and asks for the right to try some.
-- KEYS: breakers, their trials (prefix).
-- ARGV: worker, milliseconds of the right, milliseconds after which an entry is forgotten, then
--   `+place` asks for the right or keeps it, `-place` gives it back, `=place` only looks.
-- Returns the time, the entries as place and JSON in turn, and for each place asked about: the
-- place, who has the right, and 1 if somebody else would like it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entries = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local entry = cjson.decode(all[i + 1])
  local since = entry.touched_ms
  if entry.state == 'open' and entry.until_ms > since then since = entry.until_ms end
  if since + ARGV[3] < now then
    redis.call('HDEL', KEYS[1], all[i])
  else
    entries[#entries + 1] = all[i]
    entries[#entries + 1] = all[i + 1]
  end
end
local rights = {}
for i = 4, #ARGV do
  local wish, place = ARGV[i]:sub(1, 1), ARGV[i]:sub(2)
  local key = KEYS[2] .. place
  local owner = redis.call('GET', key)
  if owner == ARGV[1] and wish == '-' then
    redis.call('DEL', key, key .. ':wanted')
    owner = false
  elseif wish == '+' and (not owner or owner == ARGV[1]) then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    owner = ARGV[1]
  elseif wish == '+' then
    redis.call('SET', key .. ':wanted', ARGV[1], 'PX', 1500)
  end
  rights[#rights + 1] = place
  rights[#rights + 1] = owner or ''
  rights[#rights + 1] = redis.call('EXISTS', key .. ':wanted')
end
return {now, entries, rights}
