"""The clouds that a command can talk to: the local one, or an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cli.clients.names import Names
from cli.errors import UsageError
from handler.credentials import Credentials
from handler.settings import is_loopback

LOCAL_PORT = 9700
"""The page's port; IoT Platform, SMQ and Function Compute have the next three."""
KEY_ID, KEY_SECRET = (f"ALIBABA_CLOUD_ACCESS_KEY_{part}" for part in ("ID", "SECRET"))
ENDPOINTS: Mapping[str, str] = {
    "OTA_CONSOLE_ENDPOINT": "",
    "OTA_IOT_ENDPOINT": "https://iot.{region}.aliyuncs.com",
    "OTA_MNS_ENDPOINT": "https://{account}.mns.{region}.aliyuncs.com",
    "OTA_FC_ENDPOINT": "https://{account}.{region}.fc.aliyuncs.com",
}
"""Variables of the endpoints with those of an account, in the order of the local cloud's ports; only that has a page."""
LOCAL_KEYS = Credentials("testid", "testsecret")


@dataclass(frozen=True)
class Target:
    """A cloud: its endpoints without a slash at the end, its keys, and the names of things in it.

    `console_url` is empty on an account.
    """

    local: bool
    account: str
    keys: Credentials
    console_url: str
    iot_url: str
    smq_url: str
    fc_url: str
    names: Names

    @property
    def region(self) -> str:
        return self.names.region

    def __str__(self) -> str:
        if self.local:
            return f"the local cloud ({urlsplit(self.smq_url).netloc})"
        key = self.keys.access_key_id
        return f"account {self.account or '?'} in {self.region}, as {key[:4]}…{key[-4:]}"

    @property
    def http_url(self) -> str:
        """Return the local HTTP trigger; only the console knows the address of a deployed one."""
        return f"{self.fc_url}/{self.names.http_function}"


def local_target(environ: Mapping[str, str], *, forced: bool = False) -> Target:
    """Return the local cloud that the environment names; if it is `forced`, whatever else the environment names.

    Raises: UsageError: an endpoint is not on this machine, and no keys are set for it.
    """
    port = environ.get("OTA_LOCAL_PORT") or str(LOCAL_PORT)
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65533:
        raise UsageError(f"OTA_LOCAL_PORT must be a port, not {port!r}")
    urls = []
    for number, name in enumerate(ENDPOINTS, int(port)):
        url = environ.get(name) or ""
        is_here = is_loopback(urlsplit(url).hostname or "")
        if url and not is_here and not forced:
            raise UsageError(f"{name} is not on this machine, and {KEY_ID} is not set")
        urls.append(url.rstrip("/") if is_here else f"http://127.0.0.1:{number}")
    return local_at((urls[0], urls[1], urls[2], urls[3]), Names(environ))


def local_at(urls: tuple[str, str, str, str], names: Names) -> Target:
    """Return the local cloud at these addresses, in the order of its ports."""
    return Target(True, "1234567890123456", LOCAL_KEYS, *urls, names)


def account_target(environ: Mapping[str, str], keys: Credentials, account: str) -> Target:
    """Return an account, with the endpoints that the environment names. Raises: UsageError: one is not secure."""
    names = Names(environ)

    def endpoint(name: str) -> str:
        parts = urlsplit(environ.get(name) or ENDPOINTS[name].format(account=account, region=names.region))
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise UsageError(f"{name} must begin with https://")
        return f"{parts.scheme}://{parts.netloc}"

    iot, smq, fc = (endpoint(name) for name in ("OTA_IOT_ENDPOINT", "OTA_MNS_ENDPOINT", "OTA_FC_ENDPOINT"))
    return Target(False, account, keys, "", iot, smq, fc, names)
