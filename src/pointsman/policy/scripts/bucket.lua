-- Buckets: units times the microseconds of a minute, draining at `limit` units a minute.
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local MINUTE_US = 60000000

local function level_of(key, limit)
  local found = redis.call('HMGET', key, 'level', 'at')
  if not found[1] then return 0 end
  return math.max(0, tonumber(found[1]) - math.max(0, now_us - tonumber(found[2])) * limit)
end

local function set_level(key, level, limit)
  redis.call('HSET', key, 'level', string.format('%.0f', level), 'at', string.format('%.0f', now_us))
  redis.call('PEXPIRE', key, math.ceil(level / limit / 1000) + 1000)
end
