"""Reads every setting from the environment into one frozen model; refuses a wrong one by name."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from handler.errors import SettingError

ACCOUNT_LIMIT = 10
"""Calls a second that the API takes for each operation of one account (API reference, CreateOTAModule)."""
JUST_BELOW = 0.985
"""Factor on a whole number of calls a second. At 3 a second, one second can hold 4, at its start and end included; at slightly
less it holds 3, even if the network brings calls 15 ms closer together."""
LEAST_USED = 0.97
"""The part of OTA_QPS below which a warning says that instances leave some unused."""


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, so that plain http stays on it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # An IPv4 address in IPv6's form: only Python 3.13 looks inside by itself.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*\.?"
_PLACE = rf"(?:{_NAME}|\[[0-9A-Fa-f:.]+\])(?::[1-9]\d{{0,4}})?"
"""A host and an optional port; matches no other part of an address."""
_USER = r"(?:(?:[!$&-.0-;=A-Z\\^-~]|%[0-9A-Fa-f]{2})*@)?"
_STORE_OPTIONS = {
    "db": r"\d{1,4}",
    "ssl_ca_certs": r"[^@]+",
    "ssl_cert_reqs": "none|optional|required",
    "ssl_check_hostname": "true|false",
}
"""Options allowed after the `?` of a store's address, and their values: no part of a password can pass as one."""


def _endpoint(url: str) -> str:
    if not re.fullmatch(f"https?://{_PLACE}/?", url):
        raise ValueError("must look like https://host or https://host:port, without user and path")
    parts = _parts(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("plain http is for loopback addresses only; use https")
    return url.rstrip("/")


def _parts(url: str) -> SplitResult:
    """Split a well-formed address. Raises: ValueError: invalid port or IPv6 address; its text repeats no password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("has an invalid host or port") from None
    return parts


def _store(url: str) -> str:
    """Refuse an address in which part of a password may pass as another part; the error's text repeats nothing."""
    if not re.fullmatch(rf"(?:rediss?://{_USER}{_PLACE}(?:/\d{{0,4}})?|unix://{_USER}/[!-~]+?)(?:\?[!-~]*)?", url):
        raise ValueError("must look like redis://user:password@host:port/0; percent-encode the password")
    options = parse_qsl(_parts(url).query, keep_blank_values=True)
    if not all(re.fullmatch(_STORE_OPTIONS.get(name, "(?!)"), value) for name, value in options):
        raise ValueError(f"takes no options but {', '.join(_STORE_OPTIONS)}; percent-encode the password")
    if not url.startswith("rediss:") and any(name.startswith("ssl") for name, _ in options):
        raise ValueError("takes options of TLS with rediss:// only")
    return url


def _store_host(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not re.fullmatch(_NAME, host):
            raise ValueError("must be a host alone: the port is OTA_QUOTA_PORT") from None
    return host


def _collector(url: str) -> str:
    parts = _parts(url)
    _endpoint(f"{parts.scheme}://{parts.netloc}")
    if not parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be a whole address, like https://host/v1/traces")
    return url


def _path_prefix(path: str) -> str:
    if not re.fullmatch("(/[A-Za-z0-9._~-]+)+/?", path):
        raise ValueError("must look like /ota or /a/b")
    return path.rstrip("/")


Endpoint = Annotated[str, AfterValidator(_endpoint)]
Name = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]


class Settings(BaseModel):
    """The settings of one function; README lists them with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    OTA_REGION: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    OTA_IOT_ENDPOINT: Endpoint
    OTA_MNS_ENDPOINT: Endpoint
    OTA_RESULT_TOPIC: Name
    OTA_IOT_INSTANCE_ID: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")] | None = None
    OTA_REQUEST_QUEUE: Name | None = None
    OTA_DEAD_LETTER_QUEUE: Name | None = None
    OTA_QPS: Annotated[float, Field(ge=0.01, allow_inf_nan=False)] = 9.0
    OTA_QUOTA_INSTANCES: Annotated[int, Field(ge=1, le=1000)] = 1
    OTA_QUOTA_URL: Annotated[str, AfterValidator(_store)] | None = Field(None, repr=False)
    OTA_QUOTA_HOST: Annotated[str, AfterValidator(_store_host)] | None = None
    OTA_QUOTA_PORT: Annotated[int, Field(ge=1, le=65_535)] = 6379
    OTA_QUOTA_USER: str | None = None
    OTA_QUOTA_PASSWORD: str | None = Field(None, repr=False)
    OTA_QUOTA_TLS: bool = False
    OTA_QUOTA_KEY: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s{}]+$")] = "ota-modules"
    OTA_MAX_ATTEMPTS: Annotated[int, Field(ge=1, le=100)] = 10
    OTA_MAX_AGE: Annotated[int, Field(ge=60, le=604_800)] = 86_400
    OTA_ON_EXISTING: Literal["keep", "update", "fail"] = "keep"
    OTA_CONNECT_TIMEOUT: Annotated[float, Field(ge=0.01, le=60)] = 3.0
    OTA_READ_TIMEOUT: Annotated[float, Field(ge=0.01, le=300)] = 10.0
    OTA_DEADLINE_MARGIN: Annotated[float, Field(ge=0.5, le=60)] = 2.0
    OTA_HTTP_PREFIX: Annotated[str, AfterValidator(_path_prefix)] | None = None
    OTA_TRACE_URL: Annotated[str, AfterValidator(_collector)] | None = Field(None, repr=False)
    OTA_LOG_LEVEL: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings in `environ`; an empty value counts as absent.

        Raises: SettingError: names the first setting that is missing or refused, and why.
        """
        values = {name: text for name in cls.model_fields if (text := environ.get(name))}
        for name, text in values.items():
            if text != text.strip():  # a file or a secret store left a line end; sent on, it would be another name
                raise SettingError(name, "must not begin or end with white space")
        region = values.setdefault("OTA_REGION", environ.get("FC_REGION", ""))
        values.setdefault("OTA_IOT_ENDPOINT", _iot_endpoint(region))
        if not region:
            raise SettingError("OTA_REGION", "is required where the platform sets no FC_REGION")
        _check_store_parts(values)
        if values.get("OTA_DEAD_LETTER_QUEUE", "") == values.get("OTA_REQUEST_QUEUE"):
            raise SettingError(
                "OTA_DEAD_LETTER_QUEUE", "must not be OTA_REQUEST_QUEUE: requests that were given up would come again"
            )
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _explain(error, values) from None

    @property
    def iot_host_setting(self) -> str:
        """The setting that gives the host of the API."""
        return "OTA_REGION" if _iot_endpoint(self.OTA_REGION) == self.OTA_IOT_ENDPOINT else "OTA_IOT_ENDPOINT"

    @property
    def store(self) -> str | None:
        """The address of the store that shares the quota, if there is one."""
        if self.OTA_QUOTA_HOST is None:
            return self.OTA_QUOTA_URL
        host = f"[{self.OTA_QUOTA_HOST}]" if ":" in self.OTA_QUOTA_HOST else self.OTA_QUOTA_HOST
        user, password = (quote(text or "", safe="") for text in (self.OTA_QUOTA_USER, self.OTA_QUOTA_PASSWORD))
        keys = f"{user}:{password}@" if user or password else ""
        return f"{'rediss' if self.OTA_QUOTA_TLS else 'redis'}://{keys}{host}:{self.OTA_QUOTA_PORT}"

    @property
    def rate(self) -> float:
        """Calls a second of one operation for all instances together, if they share the quota."""
        return _hold_below(self.OTA_QPS, self._limit)

    @property
    def share(self) -> float:
        """Calls a second of one operation for this instance, without a store: instances know nothing of each other, so each
        has its own bound for any second, and these add up to no more than the limit."""
        return _hold_below(self.OTA_QPS / self.OTA_QUOTA_INSTANCES, self._limit // self.OTA_QUOTA_INSTANCES)

    @property
    def own_rate(self) -> float:
        """Calls a second of one operation that this instance may make: with a store, all of the quota."""
        return self.rate if self.store else self.share

    @property
    def most_in_a_second(self) -> int:
        """Calls of one operation that all instances may make in a second, without a store."""
        return self.OTA_QUOTA_INSTANCES * (1 + int(self.share))

    @property
    def _limit(self) -> int:
        """Calls in any second: an OTA_QPS above an account's limit means a raised limit, or another platform."""
        return ACCOUNT_LIMIT if self.OTA_QPS <= ACCOUNT_LIMIT else 1 + int(self.OTA_QPS)

    def warnings(self) -> list[str]:
        """List what is allowed but dangerous, with the setting's name."""
        texts = []
        together = self.share * self.OTA_QUOTA_INSTANCES
        if self.most_in_a_second > ACCOUNT_LIMIT:
            texts.append(
                f"OTA_QPS: {self.OTA_QUOTA_INSTANCES} times {self.share:g} calls a second may be {self.most_in_a_second} calls"
                f" in one second, and an account has {ACCOUNT_LIMIT}"
            )
        elif self.store is None and together < LEAST_USED * self.OTA_QPS:
            texts.append(
                f"OTA_QUOTA_INSTANCES: {self.OTA_QUOTA_INSTANCES} instances are held to {self.share:g} calls a second each,"
                f" {together:g} together, so that no second sees more than {ACCOUNT_LIMIT}; with a shared quota they use all"
            )
        if self.store is not None and self.OTA_QUOTA_INSTANCES == 1:
            texts.append("OTA_QUOTA_INSTANCES: 1, so that every instance takes all of OTA_QPS while the store is down")
        if self.OTA_REQUEST_QUEUE is None:
            texts.append("OTA_REQUEST_QUEUE: not set, so unfinished requests make the whole batch come again")
        return texts


def _hold_below(rate: float, most: int) -> float:
    """Return the rate, or the largest below it that makes at most `most` calls in any second (`handler.pacing`)."""
    return rate if rate < max(most, 1) else JUST_BELOW * max(most, 1)


def _iot_endpoint(region: str) -> str:
    return f"https://iot.{region}.aliyuncs.com"


def _check_store_parts(values: Mapping[str, str]) -> None:
    names = (f"OTA_QUOTA_{part}" for part in ("PORT", "USER", "PASSWORD", "TLS", "HOST"))
    parts = [name for name in names if name in values]
    if parts and "OTA_QUOTA_URL" in values:
        raise SettingError("OTA_QUOTA_URL", f"and {parts[0]} are both set: use one of them")
    if parts and "OTA_QUOTA_HOST" not in values:
        raise SettingError("OTA_QUOTA_HOST", f"is required where {parts[0]} is set")


def _explain(error: ValidationError, values: Mapping[str, str]) -> SettingError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    problem = "is required" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
    # An address may hold a password or a token: then its value is not repeated.
    secret = name in ("OTA_QUOTA_URL", "OTA_QUOTA_PASSWORD", "OTA_TRACE_URL") or "@" in values.get(name, "")
    seen = "" if name not in values or secret else f" (it is {values[name][:100]!r})"
    return SettingError(name, problem + seen)
