"""The store through which many share a quota, Valkey or Redis: its script, and whether it can be relied upon."""

import hashlib
import math
import threading
from collections.abc import Sequence
from concurrent import futures
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from handler.clock import Clock
from handler.errors import SettingError
from handler.log import Log
from handler.pacing import CALM, PROBE, RETURN, SAFE, SLOWER, SLOWEST

PATIENCE = 0.25
"""Seconds for connecting, and for each answer of the store."""
LONGEST_ASK = 2 * PATIENCE
"""Seconds of one question with all that it takes: a name server has no time limit of its own."""
TRIES = 2
OVERDUE = TRIES * LONGEST_ASK
"""Seconds after which whoever asks knows that the store is down."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 5.0
"""Seconds between two tries of a store that is down; doubled from the one to the other."""
REMINDER = 60.0
"""Seconds between two log lines about a store that refuses what it is asked: nobody but its operator can put that right."""
MEASURES = 4
"""Readings of the server's clock on meeting it: the quickest of some is good to a millisecond on a busy machine too."""
EASED = 0.5
"""What each shorter answer leaves of how long one may take."""
REMEMBERED = 60.0
"""Seconds for which a process still tells the store what it knew of it; the store remembers ten times as long."""

# All instants are microseconds of the server's clock. A clock that was set back takes everything along. `birth` tells
# a record from one that was lost. Numbers are formatted by hand: Lua's own format keeps 14 digits, and these have 16.
# Before version 5, Redis lets a script write after TIME only if its effects are replicated.
SCRIPT = f"""
if redis.replicate_commands then redis.replicate_commands() end
local full, wanted, latest, known, given, accepted, age, hold, lead =
    tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4],
    tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local was = redis.call('HMGET', KEYS[1], 'birth', 'seen', 'free', 'held', 'slowed', 'rate', 'safe')
local back = math.max((tonumber(was[2]) or now) - now, 0)
local function instant(text) return (tonumber(text) or 0) - back end
local free, held, slowed = instant(was[3]), instant(was[4]), instant(was[5])
local rate, safe = math.min(tonumber(was[6]) or full, full), tonumber(was[7]) or full
local birth = was[1] or string.format('%.0f', now)
if known ~= '' and known ~= birth then free = math.max(free, now + given) end

for _ = 1, accepted do
    local probe = full * {PROBE} * math.max(1, (now - slowed) / 1e6 / {CALM})
    rate = math.min(rate + math.max((safe - rate) * {RETURN}, probe), full)
end
if age >= 0 then
    held = math.max(held, now + hold)
    if now - age > slowed then
        safe, slowed = rate * {SAFE}, math.max(now, free - 0.5e6 / rate)
        rate = math.max(rate * {SLOWER}, full * {SLOWEST})
    end
end

local interval = math.ceil(1e6 / rate)
local first = math.max(now + lead, free, held)
local count = 0
if wanted > 0 and first - now <= latest then
    count = math.min(wanted, 1 + math.floor((latest - (first - now)) / interval))
    free = first + count * interval
end
redis.call('HSET', KEYS[1], 'birth', birth, 'seen', string.format('%.0f', now), 'free', string.format('%.0f', free),
    'held', string.format('%.0f', held), 'slowed', string.format('%.0f', slowed), 'rate', rate, 'safe', safe)
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(free - now, 0) / 1000) + {REMEMBERED * 10_000:.0f})
return {{birth, now, first, interval, count, math.max(free, first), slowed}}
"""


class Question(NamedTuple):
    """The script's arguments: calls a second and microseconds."""

    rate: float
    wanted: int = 0
    """Slots."""
    latest: int = 0
    """How far away the first may lie."""
    birth: str = ""
    """The record that the asker knew, and how far its slots reached."""
    given: int = 0
    accepted: int = 0
    """Calls that were answered and not throttled since the last question."""
    age: int = -1
    """How long ago a call left that was throttled; -1: none was."""
    hold: int = 0
    lead: int = 0
    """How far away a slot must lie to be of use."""


class Answer(NamedTuple):
    """The script's answer: instants and an interval in seconds of our own clock, and how many slots were given out."""

    birth: str
    now: float
    first: float
    interval: float
    given: int
    free: float
    slowed: float


class Client(Protocol):
    """The way to a server. An answer that does not come within LONGEST_ASK, connecting included, is an OSError."""

    name: str

    def run(self, key: str, arguments: Sequence[str | int | float]) -> Sequence[bytes | int]:
        """What the script answers."""
        ...

    def disconnect(self) -> None:
        """Drop the connection: the next call makes a new one."""
        ...


class Valkey:
    """A `Client` of a real server. Raises: SettingError: the address is none. ImportError: the package redis is missing."""

    def __init__(self, url: str) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._redis = redis
        self._url = url
        self._limits: dict[str, Any] = {
            "protocol": 2,
            "socket_connect_timeout": PATIENCE,
            "socket_timeout": PATIENCE,
            "retry": Retry(NoBackoff(), 0),
        }
        try:
            client = redis.Redis.from_url(url, **self._limits)
        except ValueError:
            raise SettingError("OTA_QUOTA_URL", "is no address of a store") from None
        place = client.connection_pool.connection_kwargs
        self.name = str(place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}")
        self._client: Any = client
        self._helpers = futures.ThreadPoolExecutor(2, thread_name_prefix="store")
        self._hash = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

    def run(self, key: str, arguments: Sequence[str | int | float]) -> Sequence[bytes | int]:
        answer = self._helpers.submit(self._run, key, arguments)
        try:
            return answer.result(LONGEST_ASK)
        except futures.TimeoutError:
            answer.cancel()
            raise TimeoutError("no answer in time") from None

    def _run(self, key: str, arguments: Sequence[str | int | float]) -> list[bytes | int]:
        try:
            return self._evaluate(key, arguments)
        except self._redis.exceptions.MovedError:  # one node of a cluster: the cluster's client follows
            if isinstance(self._client, self._redis.RedisCluster):
                raise
            self._client = self._redis.RedisCluster.from_url(self._url, **self._limits)
            return self._evaluate(key, arguments)

    def _evaluate(self, key: str, arguments: Sequence[str | int | float]) -> list[bytes | int]:
        """By the script's hash; with the script itself where the server does not know it, or lets this user send no hashes."""
        try:
            answer: list[bytes | int] = self._client.evalsha(self._hash, 1, key, *arguments)
        except (self._redis.exceptions.NoScriptError, self._redis.exceptions.NoPermissionError):
            answer = self._client.eval(SCRIPT, 1, key, *arguments)
        return answer

    def disconnect(self) -> None:
        if isinstance(self._client, self._redis.RedisCluster):
            self._client.disconnect_connection_pools()  # type: ignore[no-untyped-call]
        else:
            self._client.connection_pool.disconnect(inuse_connections=False)


class Store:
    """The server, and whether it can be relied upon."""

    def __init__(self, url: str, clock: Clock, log: Log, client: Client | None = None) -> None:
        try:
            import redis  # a quarter of a second of cold start, which others need not pay

            self._client = client or Valkey(url)
        except ImportError:
            raise SettingError("OTA_QUOTA_URL", "needs the package redis") from None
        self._faults = (redis.RedisError, OSError, ValueError, TypeError)
        self._refusals = (redis.ResponseError, redis.AuthenticationError)
        # A failover's answers: whoever was a master takes no writes for a while.
        failover = redis.exceptions
        self._passing = (
            failover.ReadOnlyError,
            failover.MasterDownError,
            failover.ClusterDownError,
            failover.TryAgainError,
        )
        self._clock = clock
        password = urlsplit(url).password or ""
        self._log = log.bind(secrets=(password, unquote(password)), store=self._client.name)
        self._lock = threading.Lock()
        self._pause = SHORTEST_PAUSE
        self._retry_at = self._settled_at = self._told_at = -math.inf
        self.offset, self._error, self._measured = 0.0, math.inf, 0.0
        """`offset`: the seconds that the server's clock shows more than ours."""
        self.trip = 0.0
        """Seconds that an answer may take, as those of late did."""
        self.down = False
        self.lost_at = -math.inf
        """When it was found to be down, the last time."""

    def ready(self, now: float) -> bool:
        return not self.down or now >= self._retry_at

    def settled(self, now: float) -> bool:
        """Whether everybody who noticed an outage must have come back since."""
        return not self.down and now >= self._settled_at

    def ask(self, key: str, question: Question) -> Answer | None:
        """Runs the script; None where the store cannot be relied upon now.

        While it can be, an answer that does not come is asked for once more, on a new connection: a process that goes on
        by itself because of one lost packet would come on top of all who do not.
        """
        with self._lock:
            self._retry_at = self._clock.now() + self._pause  # while it is down, one probe at a time
        problem: Exception = OSError()
        for _ in range(1 if self.down else TRIES):
            try:
                if self.down or self._error == math.inf:
                    self._meet(key, question)
                answered, after = self._run(key, question)
            except self._faults as error:
                self._client.disconnect()
                problem = error
            else:
                self._found(after)
                return answered
        self._lost(problem)
        return None

    def _run(self, key: str, question: Question) -> tuple[Answer, float]:
        before = self._clock.now()
        answer = self._client.run(key, question)
        after = self._clock.now()
        return self._answer(answer, before, after), after

    def _meet(self, key: str, question: Question) -> None:
        """Compares the clocks before the first slot is asked for; the first of these calls connects, and tells little."""
        began = self._clock.now()
        for _ in range(MEASURES):
            _, after = self._run(key, question._replace(wanted=0, accepted=0, age=-1, hold=0))
            if after - began > LONGEST_ASK:  # it is slow; then a few milliseconds more or less are no matter
                return

    def _lost(self, problem: Exception) -> None:
        now = self._clock.now()
        refused = isinstance(problem, self._refusals) and not isinstance(problem, self._passing)
        with self._lock:
            first, self.down = not self.down, True
            self.lost_at = now if first else self.lost_at
            self._retry_at = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            told = first or (refused and now - self._told_at >= REMINDER)
            self._told_at = now if told else self._told_at
        if told and refused:
            command = "AUTH" if isinstance(problem, self._refusals[1]) else "EVALSHA"
            text = "the store refuses what it is asked: on with the static share"
            self._log.error("quota", text=text, command=command, error=_sentence(problem))
        elif told:
            text = "the store is gone: on with the static share"
            self._log.warning("quota", text=text, error=type(problem).__name__)

    def _found(self, now: float) -> None:
        with self._lock:
            back, self.down = self.down, False
            self._pause = SHORTEST_PAUSE
            if back:
                self._settled_at = now + LONGEST_PAUSE + OVERDUE
        if back:
            self._log.info("quota", text="the store is back")

    def _answer(self, answer: Sequence[bytes | int], before: float, after: float) -> Answer:
        birth, now, first, interval, count, free, slowed = (int(number) for number in answer)
        offset = self._synchronized(now / 1e6 - (before + after) / 2, (after - before) / 2, after)
        return Answer(
            str(birth),
            now / 1e6 - offset,
            first / 1e6 - offset,
            interval / 1e6,
            count,
            free / 1e6 - offset,
            slowed / 1e6 - offset,
        )

    def _synchronized(self, offset: float, error: float, now: float) -> float:
        """The server's clock minus ours: of the last answers, the quickest tells it best, until one contradicts it."""
        with self._lock:
            self.trip = min(max(2 * error, self.trip * EASED), PATIENCE)
            known = self._error + (now - self._measured) / 1000
            if error <= known or abs(offset - self.offset) > error + known:
                self.offset, self._error, self._measured = offset, error, now
            return self.offset


def _sentence(error: Exception) -> str:
    """What the server said; the package redis takes the first word off."""
    return f"{getattr(error, 'status_code', None) or ''} {error}".strip()
