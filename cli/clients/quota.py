"""What functions' settings let them call."""

from collections.abc import Mapping

from cli.errors import UsageError
from cli.records import Figure, Known, NotKnown
from handler.errors import SettingError
from handler.settings import Settings

_REQUIRED = {"OTA_REGION": "any", "OTA_MNS_ENDPOINT": "https://any.example", "OTA_RESULT_TOPIC": "any"}
"""What settings need that has nothing to do with the quota."""


def quota_settings(quota: Mapping[str, str]) -> Settings:
    """Return the settings of a function that is told this about the quota. Raises: UsageError: one is refused."""
    known = {name: value for name, value in quota.items() if name in Settings.model_fields and value != "set"}
    try:
        return Settings.read({**_REQUIRED, **known})
    except SettingError as error:
        raise UsageError(str(error)) from None


def uses_store(quota: Mapping[str, str], settings: Settings) -> bool:
    """Whether a function shares its quota through a store."""
    return settings.store is not None or "OTA_QUOTA_URL" in quota


def share_of(quota: Mapping[str, str]) -> Figure:
    """Return the calls a second of one operation that a function's settings let all its instances make."""
    try:
        settings = quota_settings(quota)
    except UsageError as error:
        return NotKnown(str(error))
    return Known(settings.rate if uses_store(quota, settings) else settings.share * settings.OTA_QUOTA_INSTANCES)
