"""Which cloud a command talks to: the local one where none is configured, else the account in the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cli.clients.names import Names
from cli.errors import UsageError
from handler.settings import is_loopback

LOCAL_ACCOUNT = "1234567890123456"
LOCAL_PORT = 9700
"""The page's port; IoT Platform, SMQ and Function Compute have the next three."""


@dataclass(frozen=True)
class Keys:
    """An access key; `token` is empty for a long-lived one."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


LOCAL_KEYS = Keys("testid", "testsecret")


@dataclass(frozen=True)
class Target:
    """A cloud: its endpoints without a slash at the end, its keys, and the names of things in it."""

    local: bool
    account: str
    keys: Keys
    iot_url: str
    smq_url: str
    fc_url: str
    console_url: str | None
    names: Names

    @property
    def region(self) -> str:
        return self.names.region

    def __str__(self) -> str:
        if self.local:
            return f"the local cloud ({urlsplit(self.smq_url).netloc})"
        return f"account {self.account or '?'} in {self.region}, as {self.keys.id[:4]}…{self.keys.id[-4:]}"

    @property
    def http_url(self) -> str:
        """The local HTTP trigger; a deployed one has an address that only the console knows."""
        return f"{self.fc_url}/{self.names.http_function}"

    def queue_endpoint(self, queue: str) -> str:
        """A queue, in the form that a subscription wants."""
        return f"acs:mns:{self.region}:{self.account}:queues/{queue}"


def read(environ: Mapping[str, str], *, local: bool = False) -> Target:
    """The target that the environment names; `local` overrules it.

    Raises: UsageError: keys are there, but not all that is needed with them; or an endpoint without keys.
    """
    keys = None if local else _keys(environ)
    if keys is None:
        return _local(environ, forced=local)
    return _account(environ, keys)


def local_target(base: int = LOCAL_PORT) -> Target:
    """The local cloud on its four ports from `base` on."""
    urls = [f"http://127.0.0.1:{base + number}" for number in range(4)]
    return local_at(urls[1], urls[2], urls[3], urls[0], Names({}))


def local_at(iot: str, smq: str, fc: str, console: str, called: Names) -> Target:
    """The local cloud at these addresses."""
    return Target(True, LOCAL_ACCOUNT, LOCAL_KEYS, iot, smq, fc, console, called)


def _keys(environ: Mapping[str, str]) -> Keys | None:
    id_, secret = environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID"), environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    if (not id_ and not secret) or id_ == LOCAL_KEYS.id:
        return None
    if not id_ or not secret:
        missing = "SECRET" if id_ else "ID"
        raise UsageError(f"ALIBABA_CLOUD_ACCESS_KEY_{missing} is not set; --local talks to the local cloud")
    return Keys(id_, secret, environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""))


def _local(environ: Mapping[str, str], *, forced: bool) -> Target:
    usual = local_target(_port(environ))
    iot, smq, fc, console = (
        _loopback(environ, name, url, forced=forced)
        for name, url in (
            ("OTA_IOT_ENDPOINT", usual.iot_url),
            ("OTA_MNS_ENDPOINT", usual.smq_url),
            ("OTA_FC_ENDPOINT", usual.fc_url),
            ("OTA_CONSOLE_ENDPOINT", usual.console_url or ""),
        )
    )
    return local_at(iot, smq, fc, console, Names(environ))


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("OTA_LOCAL_PORT") or str(LOCAL_PORT)
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) < 65533:
        raise UsageError(f"OTA_LOCAL_PORT must be a port, not {text!r}")
    return int(text)


def _loopback(environ: Mapping[str, str], name: str, usual: str, *, forced: bool) -> str:
    url = environ.get(name) or usual
    if not is_loopback(urlsplit(url).hostname or ""):
        if forced:
            return usual
        raise UsageError(f"{name} is not on this machine, and ALIBABA_CLOUD_ACCESS_KEY_ID is not set")
    return url.rstrip("/")


def _account(environ: Mapping[str, str], keys: Keys) -> Target:
    called = Names(environ)
    region = called.region
    account = environ.get("ALIBABA_CLOUD_ACCOUNT_ID") or _account_of(environ.get("OTA_MNS_ENDPOINT", ""))
    if not account:
        raise UsageError(
            "ALIBABA_CLOUD_ACCOUNT_ID (or OTA_MNS_ENDPOINT) says which account; neither is set (--local: the local cloud)"
        )
    return Target(
        local=False,
        account=account,
        keys=keys,
        iot_url=_secure(environ, "OTA_IOT_ENDPOINT", f"https://iot.{region}.aliyuncs.com"),
        smq_url=_secure(environ, "OTA_MNS_ENDPOINT", f"https://{account}.mns.{region}.aliyuncs.com"),
        fc_url=_secure(environ, "OTA_FC_ENDPOINT", f"https://{account}.{region}.fc.aliyuncs.com"),
        console_url=None,
        names=called,
    )


def _account_of(url: str) -> str:
    """The account's number is the first label of its SMQ endpoint."""
    label, _, rest = (urlsplit(url).hostname or "").partition(".")
    return label if label.isdigit() and not rest.replace(".", "").isdigit() else ""


def _secure(environ: Mapping[str, str], name: str, usual: str) -> str:
    parts = urlsplit(environ.get(name) or usual)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise UsageError(f"{name} must begin with https://")
    return f"{parts.scheme}://{parts.netloc}"
