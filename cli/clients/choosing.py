"""Chooses the cloud that a command talks to, and the keys for it.

In this order: --local; --profile; OTA_TARGET; the keys in the environment; ALIBABA_CLOUD_PROFILE; else the local cloud. A profile
is one of the vendor's command line. `~/.aliyun/config.json` alone chooses nothing: whoever has it must not be taken into an
account by a command that worked on the local cloud before.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cli.clients.openapi import STS, OpenApi, Send, send
from cli.clients.target import ENDPOINTS, KEY_ID, KEY_SECRET, LOCAL_KEYS, Target, account_target, local_target
from cli.errors import CloudError, UsageError
from handler.credentials import Credentials

_NAMING_LOCAL = ("OTA_TARGET", "OTA_LOCAL_PORT", KEY_ID, *ENDPOINTS)
"""Variables that name the local cloud, where no account is chosen."""


def choose(environ: Mapping[str, str], *, local: bool = False, profile: str | None = None, config: Path | None = None,
           send: Send = send) -> Target:  # fmt: skip
    """Return the target; `config` stands for `~/.aliyun/config.json`, and `send` for the network.

    Raises: UsageError: the choice is unclear, or its keys or account cannot be had.
    """
    wanted = environ.get("OTA_TARGET") or ""
    if wanted not in ("", "local", "account"):
        raise UsageError(f"OTA_TARGET must be local or account, not {wanted!r}")
    if local or (wanted == "local" and profile is None):
        return local_target(environ, forced=True)
    named = profile or ("" if environ.get(KEY_ID) else environ.get("ALIBABA_CLOUD_PROFILE", ""))
    if named or (wanted == "account" and not environ.get(KEY_ID)):
        keys = _read_profile(named, config or Path.home() / ".aliyun" / "config.json")
    else:
        token = environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", "")
        keys = Credentials(environ.get(KEY_ID, ""), environ.get(KEY_SECRET, ""), token)
    if keys.access_key_id == LOCAL_KEYS.access_key_id or not (keys.access_key_id or keys.access_key_secret):
        if wanted == "account":
            raise UsageError("OTA_TARGET is account, and the keys in the environment are the local cloud's")
        return local_target(environ)
    if not keys.access_key_id or not keys.access_key_secret:
        raise UsageError(f"{KEY_SECRET if keys.access_key_id else KEY_ID} is not set; --local talks to the local cloud")
    return account_target(environ, keys, _account_of(environ, keys, send))


def is_silent(environ: Mapping[str, str], target: Target, *, local: bool) -> bool:
    """Tell whether the local cloud was chosen only because nothing else was configured."""
    return target.local and not local and not any(environ.get(name) for name in _NAMING_LOCAL)


def _read_profile(name: str, config: Path) -> Credentials:
    """Return the keys of a profile, or of the current one; roles, instances and programs give some, too."""
    # Not above: it takes a quarter of a second to import.
    from alibabacloud_credentials.provider.cli_profile import CLIProfileCredentialsProvider

    try:
        keys = CLIProfileCredentialsProvider(profile_name=name, profile_file=str(config)).get_credentials()
    except Exception as error:  # noqa: BLE001 - the library raises whatever its parts do
        profile = f"profile {name}" if name else "the current profile"
        raise UsageError(
            f"{profile} of {config} gives no keys: {str(error)[:200] or type(error).__name__}; "
            f"set it up with `aliyun configure{' --profile ' + name if name else ''}`"
        ) from None
    return Credentials(keys.get_access_key_id(), keys.get_access_key_secret(), keys.get_security_token() or "")


def _account_of(environ: Mapping[str, str], keys: Credentials, send: Send) -> str:
    """Return the account: the one that is set, that of the SMQ endpoint, or what STS says (GetCallerIdentity).

    Raises: UsageError: it does not tell.
    """
    if account := environ.get("ALIBABA_CLOUD_ACCOUNT_ID"):
        return account
    label, _, rest = (urlsplit(environ.get("OTA_MNS_ENDPOINT", "")).hostname or "").partition(".")
    if label.isdigit() and not rest.replace(".", "").isdigit():
        return label
    try:
        api = OpenApi(account_target(environ, keys, ""), send)
        return str(api.call(STS, "GetCallerIdentity").get("AccountId"))
    except CloudError as error:
        raise UsageError(f"ALIBABA_CLOUD_ACCOUNT_ID is not set, and the account cannot be asked for: {error}") from None
