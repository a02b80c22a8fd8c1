"""What must be atomic in Redis, as Lua: five scripts, each touching one slot.

A lease is a string: the holder's 16-byte token, and a `+` once a waiter asked to be
told. Names of keys come in KEYS, all of one hash tag. `redis.pcall` where a key may
be of a foreign type: then it counts as absent and is overwritten.
"""

from hashlib import sha1
from typing import Final

import attrs

TOKEN_SIZE: Final = 16


@attrs.frozen
class Script:
    """A script's source and the SHA-1 by which Redis knows it.

    Attributes:

        source: Lua.

        sha: Lower-case hexadecimal.
    """

    source: str
    sha: str


def _script(source: str) -> Script:
    digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(source, digest)


# KEYS: entry, lease, failure, retry, result of the awaited token
# ARGV: token, lease ms, identity of the rejected entry, mode, flags
# mode: "load" heeds a failure record, "refresh" a retry record too, "force" none
# flags: "e" an entry will do, "w" will wait, "t" takes the lease from its holder
ACQUIRE: Final = _script("""
local token, ms, rejected, mode, flags = unpack(ARGV)
local time = redis.call('TIME')
if string.find(flags, 'e') then
  local entry = redis.pcall('GET', KEYS[1])
  if type(entry) == 'string' and entry ~= ''
      and (rejected == '' or string.sub(entry, 1, #rejected) ~= rejected) then
    return {'entry', time[1], time[2], entry}
  end
end
local result = redis.pcall('GET', KEYS[5])
if type(result) == 'string' then return {'result', result} end
if mode ~= 'force' then
  local failure = redis.pcall('GET', KEYS[3])
  if type(failure) == 'string' then
    return {'failed', redis.call('PTTL', KEYS[3]), failure}
  end
end
if mode == 'refresh' then
  local left = redis.call('PTTL', KEYS[4])
  if left > 0 then return {'held-off', left} end
end
local lease = redis.pcall('GET', KEYS[2])
local awaited = ''
if type(lease) == 'string' then
  local left = redis.call('PTTL', KEYS[2])
  local holder = string.sub(lease, 1, #token)
  if holder == token then
    redis.call('PEXPIRE', KEYS[2], ms)
    return {'granted'}
  end
  if #lease > #token then awaited = '+' end
  if left > 0 and not string.find(flags, 't') then
    if awaited == '' and string.find(flags, 'w') then
      redis.call('APPEND', KEYS[2], '+')
    end
    return {'held', holder, left}
  end
end
redis.call('SET', KEYS[2], token .. awaited, 'PX', ms)
return {'granted'}
""")

# KEYS: lease    ARGV: token, lease ms
RENEW: Final = _script("""
local lease = redis.pcall('GET', KEYS[1])
if type(lease) ~= 'string' or string.sub(lease, 1, #ARGV[1]) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
""")

# KEYS: entry, lease, failure, retry
# ARGV: token, prelude, rest, ttl ms, channel, message up to the token, key
WRITE: Final = _script("""
local token, prelude, rest, ms, channel, head, key = unpack(ARGV)
local lease = redis.pcall('GET', KEYS[2])
if type(lease) ~= 'string' or string.sub(lease, 1, #token) ~= token then
  return {'lost'}
end
local floor = math.floor
local function big_endian(number)
  local high, low = floor(number / 4294967296), number % 4294967296
  return string.char(
    floor(high / 16777216), floor(high / 65536) % 256, floor(high / 256) % 256,
    high % 256,
    floor(low / 16777216), floor(low / 65536) % 256, floor(low / 256) % 256,
    low % 256)
end
local time = redis.call('TIME')
local instant = time[1] * 1000000 + time[2]
local version = instant
local before = redis.pcall('GETRANGE', KEYS[1], 0, #prelude + 7)
if type(before) == 'string' and string.sub(before, 1, #prelude) == prelude
    and #before == #prelude + 8 then
  local number = 0
  for place = #prelude + 1, #before do
    number = number * 256 + string.byte(before, place)
  end
  if number >= version and number < 9007199254740992 then version = number + 1 end
end
local blob = prelude .. big_endian(version) .. big_endian(instant) .. rest
redis.call('SET', KEYS[1], blob, 'PX', ms)
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
if #lease > #token then redis.pcall('PUBLISH', channel, head .. token .. key) end
return {'stored', version, instant}
""")

# KEYS: lease, failure, retry, result
# ARGV: token, channel, message up to the token, key, record,
#       result ms, error_ttl ms, retry_after ms (0: leave no such record)
SETTLE: Final = _script("""
local token, channel, head, key, record, result_ms, error_ms, retry_ms = unpack(ARGV)
local lease = redis.pcall('GET', KEYS[1])
if type(lease) ~= 'string' or string.sub(lease, 1, #token) ~= token then
  return 0
end
redis.call('DEL', KEYS[1])
local awaited = #lease > #token
if tonumber(error_ms) > 0 then redis.pcall('SET', KEYS[2], record, 'PX', error_ms) end
if tonumber(retry_ms) > 0 then redis.pcall('SET', KEYS[3], '1', 'PX', retry_ms) end
if awaited and record ~= '' then
  redis.pcall('SET', KEYS[4], record, 'PX', result_ms)
end
if awaited then redis.pcall('PUBLISH', channel, head .. token .. key) end
return 1
""")

# KEYS: entry, lease, failure, retry    ARGV: channel, message
INVALIDATE: Final = _script("""
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return 1
""")

# KEYS: marker    ARGV: its new value, channel, message
CLEAR: Final = _script("""
redis.call('SET', KEYS[1], ARGV[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return 1
""")
