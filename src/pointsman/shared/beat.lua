-- A worker shows that it lives, and takes their places from those that do not.
-- KEYS: sessions, leases.  ARGV: worker, session, milliseconds of the lease, prefix.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'GONE' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], ARGV[1], now + ARGV[3])
local leases = redis.call('HGETALL', KEYS[2])
local ended = {}
for i = 1, #leases, 2 do
  local worker = leases[i]
  if tonumber(leases[i + 1]) < now then
    -- Its session ends too: were it only slow, it begins again with its absolute figures.
    redis.call('HDEL', KEYS[1], worker)
    redis.call('HDEL', KEYS[2], worker)
    local places = ARGV[4] .. ':places:' .. worker
    for _, key in ipairs(redis.call('SMEMBERS', places)) do
      local held = tonumber(redis.call('HGET', key, 'h:' .. worker) or '0')
      if held ~= 0 then redis.call('HINCRBY', key, 'h', -held) end
      redis.call('HDEL', key, 'h:' .. worker)
    end
    redis.call('DEL', places)
    ended[#ended + 1] = worker
  end
end
return ended
