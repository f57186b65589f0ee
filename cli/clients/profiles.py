"""Profiles of the vendor's command line: `~/.aliyun/config.json`, with its `current` one or one that is named."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.clients.target import Keys
from cli.errors import UsageError

CONFIG = Path(".aliyun") / "config.json"
"""In the home directory."""


def read_keys(name: str | None, path: Path | None = None) -> Keys:
    """Return the keys of a profile; None stands for the current one. Raises: UsageError: it has none."""
    path = path or Path.home() / CONFIG
    profile = _profile(path, name)
    mode = str(profile.get("mode") or "AK")
    if mode in ("AK", "StsToken"):
        return _static(profile)
    return _fetched(str(profile["name"]), path, mode)


def _profile(path: Path, name: str | None) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        wanted = name or config.get("current") or "default"
        profiles = {str(each["name"]): each for each in config["profiles"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} has no profiles: {getattr(error, 'strerror', None) or type(error).__name__}"
        ) from None
    if wanted not in profiles:
        raise UsageError(f"{path} has no profile {wanted}; it has {', '.join(profiles) or 'none'}")
    found: Mapping[str, Any] = profiles[wanted]
    return found


def _static(profile: Mapping[str, Any]) -> Keys:
    id_, secret, token = (str(profile.get(name) or "") for name in ("access_key_id", "access_key_secret", "sts_token"))
    if not id_ or not secret or (profile.get("mode") == "StsToken" and not token):
        raise UsageError(f"profile {profile['name']} holds no keys: `aliyun configure --profile {profile['name']}`")
    return Keys(id_, secret, token)


def _fetched(name: str, path: Path, mode: str) -> Keys:
    """Ask the vendor's library for temporary keys: roles, instances, single sign-on, programs."""
    try:
        from alibabacloud_credentials.provider.cli_profile import CLIProfileCredentialsProvider

        provider = CLIProfileCredentialsProvider(profile_name=name, profile_file=str(path))
        found = provider.get_credentials()
    except Exception as error:  # noqa: BLE001 - the library raises whatever its parts do
        raise UsageError(f"profile {name} ({mode}) gives no keys: {type(error).__name__}: {str(error)[:200]}") from None
    return Keys(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or "")
