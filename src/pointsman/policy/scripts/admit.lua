-- Looks at every limit of a request; counts it at all of them, or at none.
-- KEYS: sessions, one per limit, the run.
-- ARGV: worker, session, prefix, number of limits, then per limit: kind, limit, amount, dry run,
-- milliseconds to keep it; then of the run, if there is one: mode, window in milliseconds,
-- messages, id if it begins, limit, known count, id of the known count.
-- Kinds: `rate`, `places`, `requests` (used at once), `tokens` (held until the answer).
local count = tonumber(ARGV[4])
local seen, passes = {}, true
for i = 1, count do
  local at, key = 5 * i, KEYS[1 + i]
  local kind, limit, amount = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local before
  if kind == 'rate' then
    before = level_of(key, limit)
    seen[i] = { before + (amount - limit) * MINUTE_US > 0 and 1 or 0, before }
  elseif kind == 'places' then
    before = figure(key, 'h')
    seen[i] = { before >= limit and 1 or 0, before }
  else
    before = figure(key, 's') + figure(key, 'h')
    seen[i] = { before + amount > limit and 1 or 0, before }
  end
  if seen[i][1] == 1 and ARGV[at + 3] == '0' then passes = false end
end

local run = KEYS[2 + count]
local seen_run = false
if run then
  local at = 5 + 5 * count
  local mode, window_ms, messages = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local id, limit, known = ARGV[at + 3], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local found = redis.call('HMGET', run, 'calls', 'id', 'messages')
  local calls, first = tonumber(found[1] or '0'), tonumber(found[3] or '0')
  if mode == 'guess' and calls > 0 and messages > first then id = found[2] or id
  elseif mode == 'guess' then calls, first = 0, messages end
  if ARGV[at + 6] == id then calls = math.max(calls, known) end
  local refused = calls >= limit
  if refused then passes = false end
  seen_run = { refused and 1 or 0, calls, id }
  if passes then
    redis.call('HSET', run, 'calls', calls + 1, 'id', id, 'messages', first)
    redis.call('PEXPIRE', run, window_ms)
  end
end

for i = 1, count do
  local at, key = 5 * i, KEYS[1 + i]
  local kind, amount = ARGV[at], ARGV[at + 2]
  local is_taken = passes and seen[i][1] == 0
  if kind == 'rate' then
    if is_taken then
      seen[i][3] = seen[i][2] + tonumber(amount) * MINUTE_US
      set_level(key, seen[i][3], tonumber(ARGV[at + 1]))
    else
      seen[i][3] = seen[i][2]
    end
  else
    if is_taken and kind == 'requests' then add(key, 't', amount, '0', ARGV[at + 4])
    elseif is_taken then add(key, 't', '0', amount, ARGV[at + 4]) end
    for place, value in ipairs(figures(key)) do seen[i][2 + place] = value end
  end
end
return { passes and 1 or 0, seen, seen_run }
