-- Sets what a worker has in its counters, at the begin of a session. What it has used never
-- shrinks: Redis may know of an earlier process more than the journal still holds.
-- KEYS: sessions, one per counter.
-- ARGV: worker, session, prefix, then per counter: kind, used, held, milliseconds to keep it.
local seen = {}
for i = 1, #KEYS - 1 do
  local at, key = 4 * i, KEYS[1 + i]
  local used = tonumber(ARGV[at + 1]) - figure(key, 's:' .. worker)
  local held = tonumber(ARGV[at + 2]) - figure(key, 'h:' .. worker)
  add(key, ARGV[at], string.format('%.0f', math.max(0, used)), string.format('%.0f', held), ARGV[at + 3])
  seen[i] = figures(key)
end
return seen
