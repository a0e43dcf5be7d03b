-- What every script begins with. KEYS[1]: sessions.  ARGV: worker, session, prefix, …
local worker, prefix = ARGV[1], ARGV[3]
if redis.call('HGET', KEYS[1], worker) ~= ARGV[2] then return 'GONE' end

local function figure(key, field)
  return tonumber(redis.call('HGET', key, field) or '0')
end

-- Adds to everybody's figures and to those of this worker; an amount is text, so that it is exact.
local function add(key, kind, used, held, ttl_ms)
  if used ~= '0' then
    redis.call('HINCRBY', key, 's', used)
    redis.call('HINCRBY', key, 's:' .. worker, used)
  end
  if held ~= '0' then
    redis.call('HINCRBY', key, 'h', held)
    local own = redis.call('HINCRBY', key, 'h:' .. worker, held)
    -- Money stays held when its worker dies, until its journal says what became of it.
    local kept = prefix .. (kind == 'm' and ':holds:' or ':places:') .. worker
    if own == 0 then redis.call('SREM', kept, key) else redis.call('SADD', kept, key) end
  end
  redis.call('PEXPIRE', key, ttl_ms)
end

local function figures(key)
  return { figure(key, 's'), figure(key, 'h'), figure(key, 's:' .. worker), figure(key, 'h:' .. worker) }
end
