-- Holds an amount on every budget of an attempt, or on none.
-- KEYS: sessions, one per budget.
-- ARGV: worker, session, prefix, amount, then per budget: cap, spent and held as known to the
-- worker, mode (`plain`, `dry` does not refuse, `never` refuses whatever is left), milliseconds to
-- keep it.
local amount = tonumber(ARGV[4])
local seen, passes = {}, true
for i = 1, #KEYS - 1 do
  local at, key = 5 * i, KEYS[1 + i]
  local cap, mode = tonumber(ARGV[at]), ARGV[at + 3]
  -- What is spent never shrinks: a worker that knows of more has met a server with its data.
  local spent = math.max(figure(key, 's'), tonumber(ARGV[at + 1]))
  local held = math.max(figure(key, 'h'), tonumber(ARGV[at + 2]))
  local refused = spent + held + amount > cap or spent >= cap or mode == 'never' or mode == 'dry never'
  seen[i] = { refused and 1 or 0, spent, held }
  if refused and mode ~= 'dry' and mode ~= 'dry never' then passes = false end
end
for i = 1, #KEYS - 1 do
  local key = KEYS[1 + i]
  if passes then add(key, 'm', '0', ARGV[4], ARGV[4 + 5 * i]) end
  for place, value in ipairs(figures(key)) do seen[i][3 + place] = value end
end
return { passes and 1 or 0, seen }
