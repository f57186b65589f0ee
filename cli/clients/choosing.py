"""Chooses the cloud that a command talks to, and the keys for it.

In this order: --local; --profile; OTA_TARGET; the keys in the environment; ALIBABA_CLOUD_PROFILE; else the local cloud. A profile
is one of the vendor's command line. `~/.aliyun/config.json` alone chooses nothing: whoever has it must not be taken into an
account by a command that worked on the local cloud before.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from cli.clients.names import Names
from cli.clients.openapi import STS, OpenApi
from cli.clients.profiles import read_keys
from cli.clients.target import LOCAL_KEYS, Keys, Target, read
from cli.errors import CloudError, UsageError

TARGETS = ("local", "account")
KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
_SAYING_LOCAL = (
    "OTA_LOCAL_PORT",
    "OTA_MNS_ENDPOINT",
    "OTA_IOT_ENDPOINT",
    "OTA_FC_ENDPOINT",
    "OTA_CONSOLE_ENDPOINT",
    KEY_ID,
)
"""Variables that say which local cloud is meant, where no account is."""

Identify = Callable[[Keys, Names], str]
"""Tells the account that keys are of. Raises: UsageError."""


def choose(
    environ: Mapping[str, str],
    *,
    local: bool = False,
    profile: str | None = None,
    config: Path | None = None,
    identify: Identify | None = None,
) -> Target:
    """Return the target. Raises: UsageError: the choice is unclear, or its keys or account cannot be had."""
    wanted = environ.get("OTA_TARGET") or ""
    if wanted and wanted not in TARGETS:
        raise UsageError(f"OTA_TARGET must be local or account, not {wanted!r}")
    if local or (wanted == "local" and profile is None):
        return read(environ, local=True)
    complete = _with_account(_with_keys(environ, wanted, profile, config), identify or account_of)
    target = read(complete)
    if wanted == "account" and target.local:
        raise UsageError("OTA_TARGET is account, and the keys in the environment are the local cloud's")
    return target


def is_silent(environ: Mapping[str, str], target: Target, *, local: bool) -> bool:
    """Whether the local cloud was chosen only because nothing else was said."""
    said = local or environ.get("OTA_TARGET") or any(environ.get(name) for name in _SAYING_LOCAL)
    return target.local and not said


def _with_keys(environ: Mapping[str, str], wanted: str, profile: str | None, config: Path | None) -> Mapping[str, str]:
    """Put a profile's keys in place of those in the environment, where it is asked for or there are none."""
    named = profile or ("" if environ.get(KEY_ID) else environ.get("ALIBABA_CLOUD_PROFILE", ""))
    if not named and (wanted != "account" or environ.get(KEY_ID)):
        return environ
    keys = read_keys(named or None, config)
    return {
        **environ, KEY_ID: keys.id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keys.secret, "ALIBABA_CLOUD_SECURITY_TOKEN": keys.token,
    }  # fmt: skip


def _with_account(environ: Mapping[str, str], identify: Identify) -> Mapping[str, str]:
    """Ask whose the keys are, where the environment does not say it."""
    id_, secret = environ.get(KEY_ID), environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    known = environ.get("ALIBABA_CLOUD_ACCOUNT_ID") or environ.get("OTA_MNS_ENDPOINT")
    if not id_ or not secret or id_ == LOCAL_KEYS.id or known:
        return environ
    keys = Keys(id_, secret, environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""))
    return {**environ, "ALIBABA_CLOUD_ACCOUNT_ID": identify(keys, Names(environ))}


def account_of(keys: Keys, names: Names) -> str:
    """Ask STS for the account of keys (GetCallerIdentity). Raises: UsageError: it does not tell."""
    nowhere = Target(False, "", keys, "", "", "", None, names)
    try:
        account = OpenApi(nowhere).call(STS, "GetCallerIdentity").get("AccountId")
    except CloudError as error:
        raise UsageError(f"ALIBABA_CLOUD_ACCOUNT_ID is not set, and the account cannot be asked for: {error}") from None
    return str(account)
