"""Runs the script of a shared quota in its store, Valkey or Redis, and tracks whether the store is available.

Imported only if a store is set: the package redis costs a quarter of a second of cold start.
"""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from handler.clock import Clock
from handler.errors import SettingError
from handler.log import Log
from handler.pacing import CALM, PROBE, RETURN, SAFE, SLOWER, SLOWEST

try:
    import redis
    from redis import exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    raise SettingError("OTA_QUOTA_URL", "needs the package redis") from None

PATIENCE = 0.25
"""Seconds for connecting, and for each answer of the store."""
TRIES = 2
"""Tries of one question, each on a new connection: after one lost packet, a process must not call on top of the others."""
OVERDUE = 1.0
"""Seconds of one question in total: a name lookup has no time limit of its own."""
PAUSE = 3.0
"""Seconds between two tries of a store that is down."""
REMINDER = 60.0
"""Seconds between two log lines about a store that refuses commands, which only its operator can fix."""
KEPT = 86_400
"""Seconds for which the store remembers an operation that nobody calls."""
MOST_VERDICTS = 100

FAILOVER = (exceptions.ReadOnlyError, exceptions.MasterDownError, exceptions.ClusterDownError, exceptions.TryAgainError)
"""Answers of a server that is no longer, or not yet, the master."""

# All instants are microseconds of the server's clock; arguments are in seconds. If the clock is set back, all instants move
# with it. Numbers are formatted by hand: Lua's own format keeps 14 digits, and these have 16.
# Before version 5, Redis lets a script write after TIME only if its effects are replicated.
SCRIPT = f"""
if redis.replicate_commands then redis.replicate_commands() end
local full, latest, silence, accepted, age, hold, lead =
    tonumber(ARGV[1]), tonumber(ARGV[2]) * 1e6, tonumber(ARGV[3]) * 1e6, tonumber(ARGV[4]),
    tonumber(ARGV[5]) * 1e6, tonumber(ARGV[6]) * 1e6, tonumber(ARGV[7]) * 1e6
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local was = redis.call('HMGET', KEYS[1], 'seen', 'free', 'slowed', 'rate', 'safe')
local back = math.max((tonumber(was[1]) or now) - now, 0)
local free = was[2] and tonumber(was[2]) - back or now + silence
local slowed = (tonumber(was[3]) or 0) - back
local rate, safe = math.min(tonumber(was[4]) or full, full), tonumber(was[5]) or full

for _ = 1, math.min(accepted, {MOST_VERDICTS}) do
    local probe = full * {PROBE} * math.max(1, (now - slowed) / 1e6 / {CALM})
    rate = math.min(rate + math.max((safe - rate) * {RETURN}, probe), full)
end
if age >= 0 then
    if now - age > slowed then
        safe, slowed = rate * {SAFE}, math.max(now, free - 0.5e6 / rate)
        rate = math.max(rate * {SLOWER}, full * {SLOWEST})
    end
    free = math.max(free, now + hold)
end

local interval = math.ceil(1e6 / rate)
local first = math.ceil(math.max(now + lead, free))
local slot = 0
if first - now <= latest then
    slot, free, first = first, first + interval, first + interval
end
redis.call('HSET', KEYS[1], 'seen', string.format('%.0f', now), 'free', string.format('%.0f', free),
    'slowed', string.format('%.0f', slowed), 'rate', rate, 'safe', safe)
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(free - now, 0) / 1000) + {KEPT * 1000})
return {{now, slot, first, interval, slowed}}
"""


class Question(NamedTuple):
    """The script's arguments: calls a second and seconds."""

    rate: float
    latest: float = -1.0
    """The latest slot that is of use, from now; -1: none is wanted."""
    silence: float = 0.0
    """The earliest slot allowed, from now, if the store has lost its data."""
    accepted: int = 0
    """Calls that were answered and not throttled since the last question."""
    age: float = -1.0
    """The time since a throttled call left; -1: none was."""
    hold: float = 0.0


class Answer(NamedTuple):
    """The script's answer: instants of our own clock (`free`: of the next slot), and calls a second."""

    now: float
    slot: float | None
    free: float
    rate: float
    slowed: float


Run = Callable[[str, Sequence[float]], Sequence[int]]
"""Runs the script for a key and returns its answer. Raises: Exception: no answer within OVERDUE, or a refusal."""


class Valkey:
    """A real server. Raises: SettingError: the address is invalid."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._limits: dict[str, Any] = {
            "protocol": 2,
            "socket_connect_timeout": PATIENCE,
            "socket_timeout": PATIENCE,
            "retry": Retry(NoBackoff(), TRIES - 1, (redis.ConnectionError, redis.TimeoutError, *FAILOVER)),
        }
        try:
            self._client: Any = redis.Redis.from_url(url, **self._limits)
        except ValueError:
            raise SettingError("OTA_QUOTA_URL", "is not the address of a store") from None
        self._helpers = futures.ThreadPoolExecutor(4, thread_name_prefix="store")

    def run(self, key: str, arguments: Sequence[float]) -> Sequence[int]:
        answer = self._helpers.submit(self._run, key, arguments)
        try:
            return answer.result(OVERDUE)
        except futures.TimeoutError:
            answer.cancel()
            raise TimeoutError("no answer in time") from None

    def _run(self, key: str, arguments: Sequence[float]) -> Sequence[int]:
        try:
            answer: Sequence[int] = self._client.eval(SCRIPT, 1, key, *arguments)
        except exceptions.MovedError:  # a node of a cluster: the cluster's client follows the redirect
            self._client = redis.RedisCluster.from_url(self._url, **self._limits)
            answer = self._client.eval(SCRIPT, 1, key, *arguments)
        return answer


class Store:
    """Asks the server, and tracks whether it is available."""

    def __init__(self, url: str, clock: Clock, log: Log, run: Run | None = None) -> None:
        self._run_script = run or Valkey(url).run
        self._clock = clock
        parts = urlsplit(url)
        name, password = (
            f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path,
            parts.password or "",
        )
        self._log = log.bind(secrets=(password, unquote(password)), store=name)
        self._lock = threading.Lock()
        self._retry_at = self._settled_at = self._told_at = -math.inf
        self.offset, self._error, self._measured = 0.0, math.inf, 0.0
        """`offset`: the server's clock minus ours, in seconds."""
        self._trip = 0.0
        """Seconds that the last answer took."""
        self.down = False
        self.lost_at = -math.inf
        """When it was last found to be down."""

    def ready(self, now: float) -> bool:
        return not self.down or now >= self._retry_at

    def settled(self, now: float) -> bool:
        """Tell whether every process that noticed an outage must be back by now."""
        return not self.down and now >= self._settled_at

    def ask(self, key: str, question: Question) -> Answer | None:
        """Run the script; return None if the store is not available."""
        self._retry_at = self._clock.now() + PAUSE  # while it is down, one probe at a time
        try:
            if self.down or self._error == math.inf:
                self._run(key, Question(question.rate))  # it connects, so it tells little of the server's clock
            answer = self._run(key, question)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the store, the calls go on without it
            self._lose(error)
            return None
        self._find()
        return answer

    def _run(self, key: str, question: Question) -> Answer:
        before = self._clock.now()
        # A slot that passes before the answer arrives would be lost, and so would the next.
        numbers = self._run_script(key, (*question, self._trip))
        after = self._clock.now()
        now, slot, free, interval, slowed = (number / 1e6 for number in numbers)
        self._trip = after - before
        offset = self._synchronize(now - (before + after) / 2, self._trip / 2, after)
        return Answer(now - offset, slot - offset if slot else None, free - offset, 1 / interval, slowed - offset)

    def _synchronize(self, offset: float, error: float, now: float) -> float:
        """Return the server's clock minus ours, as the quickest of the last answers tells it, until one contradicts it."""
        with self._lock:
            known = self._error + (now - self._measured) / 1000
            if error <= known or abs(offset - self.offset) > error + known:
                self.offset, self._error, self._measured = offset, error, now
            return self.offset

    def _lose(self, error: Exception) -> None:
        now = self._clock.now()
        refused = isinstance(error, (redis.ResponseError, redis.AuthenticationError)) and not isinstance(
            error, FAILOVER
        )
        with self._lock:
            first, self.down = not self.down, True
            self.lost_at = now if first else self.lost_at
            self._retry_at = now + PAUSE
            if not first and not (refused and now - self._told_at >= REMINDER):
                return
            self._told_at = now
        if refused:
            command = "AUTH" if isinstance(error, redis.AuthenticationError) else "EVAL"
            # The package redis removes the first word of the server's answer.
            answer = f"{getattr(error, 'status_code', None) or ''} {error}".strip()
            text = "the store refuses commands: using the static share"
            self._log.error("quota", text=text, command=command, error=answer)
        else:
            self._log.warning("quota", text="the store is down: using the static share", error=type(error).__name__)

    def _find(self) -> None:
        with self._lock:
            if not self.down:
                return
            self.down = False
            self._settled_at = self._clock.now() + PAUSE + OVERDUE
        self._log.info("quota", text="the store is back")
