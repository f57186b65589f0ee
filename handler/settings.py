"""Every setting, read from the environment into one frozen model; a wrong one is refused with its name."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from handler.errors import SettingError

ACCOUNT_LIMIT = 10
"""Calls a second that the API takes for each operation of one account (API reference, CreateOTAModule)."""
JUST_BELOW = 0.985
"""Of a whole number of calls a second. Three a second are four in some second, from its beginning to its end; a little less are
three, even where the network brings some of them 15 ms nearer to each other."""
LEAST_USED = 0.97
"""Of OTA_QPS: what instances may leave unused without a word."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that plain http leaves no wire."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # An IPv4 address in IPv6's form: only Python 3.13 looks inside by itself.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _parts(url: str) -> SplitResult:
    """An address in its parts, of which a connection would refuse none."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        _ = parts.port
        if set(parts.netloc.rpartition("@")[0]) & {"[", "]"}:  # Python refuses them since 3.11.4
            raise ValueError
    except ValueError:  # its text may repeat a password
        raise ValueError("holds a host or a port that cannot be") from None
    return parts


def _endpoint(url: str) -> str:
    parts = _parts(url)
    more = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or more or parts.port == 0:
        raise ValueError("must look like https://host or https://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http is for loopback addresses only; use https")
    return url.rstrip("/")


def _store(url: str | None) -> str | None:
    if url is not None and _parts(url).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return url


Endpoint = Annotated[str, AfterValidator(_endpoint)]
Name = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]


class Settings(BaseModel):
    """The settings of one function; README lists them with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    OTA_REGION: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    OTA_IOT_ENDPOINT: Endpoint
    OTA_MNS_ENDPOINT: Endpoint
    OTA_RESULT_TOPIC: Name
    OTA_IOT_INSTANCE_ID: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    OTA_REQUEST_QUEUE: Name | None = None
    OTA_DEAD_LETTER_QUEUE: Name | None = None
    OTA_QPS: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 9.0
    OTA_QUOTA_INSTANCES: Annotated[int, Field(ge=1)] = 1
    OTA_QUOTA_URL: Annotated[str | None, AfterValidator(_store), Field(repr=False)] = None
    OTA_QUOTA_KEY: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s{}]+$")] = "ota-modules"
    OTA_MAX_ATTEMPTS: Annotated[int, Field(ge=1, le=100)] = 5
    OTA_ON_EXISTING: Literal["keep", "update", "fail"] = "keep"
    OTA_CONNECT_TIMEOUT: Annotated[float, Field(gt=0, le=60)] = 3.0
    OTA_READ_TIMEOUT: Annotated[float, Field(gt=0, le=300)] = 10.0
    OTA_DEADLINE_MARGIN: Annotated[float, Field(ge=0.5, le=60)] = 2.0
    OTA_LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in `environ`; an empty value counts as absent.

        Raises: SettingError: names the first setting that is missing or refused, and why.
        """
        values = {name: environ[name] for name in cls.model_fields if environ.get(name)}
        region = values.setdefault("OTA_REGION", environ.get("FC_REGION", ""))
        values.setdefault("OTA_IOT_ENDPOINT", f"https://iot.{region}.aliyuncs.com")
        if not region:
            raise SettingError("OTA_REGION", "is required where the platform sets no FC_REGION")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _named(error, values) from None

    @property
    def rate(self) -> float:
        """Calls a second of one operation for all instances together, where they share the quota."""
        return self._held(self.OTA_QPS, self._limit)

    @property
    def share(self) -> float:
        """Calls a second of one operation for this instance, where no store shares the quota: instances know nothing of each
        other, so each keeps a bound of its own for any second, and these add up to no more than the limit."""
        return self._held(self.OTA_QPS / self.OTA_QUOTA_INSTANCES, self._limit // self.OTA_QUOTA_INSTANCES)

    @property
    def most_in_a_second(self) -> int:
        """Calls of one operation that all instances may make in a second, where no store shares the quota."""
        return self.OTA_QUOTA_INSTANCES * (1 + int(self.share))

    @property
    def _limit(self) -> int:
        """Who sets more than an account has was given more, or calls another platform."""
        return ACCOUNT_LIMIT if self.OTA_QPS <= ACCOUNT_LIMIT else 1 + int(self.OTA_QPS)

    @staticmethod
    def _held(rate: float, most: int) -> float:
        """The rate, or the largest below it that makes at most `most` calls in any second (`handler.pacing`)."""
        return rate if rate < max(most, 1) else JUST_BELOW * max(most, 1)

    def warnings(self) -> list[str]:
        """What is allowed but dangerous, in words that name the setting."""
        found = []
        together = self.share * self.OTA_QUOTA_INSTANCES
        if self.most_in_a_second > ACCOUNT_LIMIT:
            found.append(
                f"OTA_QPS: {self.OTA_QUOTA_INSTANCES} times {self.share:g} calls a second may be {self.most_in_a_second} calls"
                f" in one second, and an account has {ACCOUNT_LIMIT}"
            )
        elif together < LEAST_USED * self.OTA_QPS:
            found.append(
                f"OTA_QUOTA_INSTANCES: {self.OTA_QUOTA_INSTANCES} instances are held to {self.share:g} calls a second each,"
                f" {together:g} together, so that no second sees more than {ACCOUNT_LIMIT}; with OTA_QUOTA_URL they use all"
            )
        if self.OTA_QUOTA_URL is not None and self.OTA_QUOTA_INSTANCES == 1:
            found.append("OTA_QUOTA_INSTANCES: 1, so that every instance takes all of OTA_QPS while the store is down")
        if self.OTA_REQUEST_QUEUE is None:
            found.append("OTA_REQUEST_QUEUE: not set, so unfinished requests make the whole batch come again")
        return found


def _named(error: ValidationError, values: Mapping[str, str]) -> SettingError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    problem = "is required" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
    # An address may hold a password: then its value is not repeated.
    secret = name == "OTA_QUOTA_URL" or "@" in values.get(name, "")
    seen = "" if name not in values or secret else f" (it is {values[name][:100]!r})"
    return SettingError(name, problem + seen)
