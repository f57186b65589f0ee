"""What ends a command early.

CliError            some of what was wanted could not be done (exit status 1)
+-- CloudError      the cloud did not answer, or refused
|   +-- FunctionError   a function raised
+-- UsageError      the command line or a file makes no sense (exit status 2)
    +-- ManifestError   a manifest breaks rules; carries every fault (cli/manifests/faults.py)
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class CliError(Exception):
    """Some of what was wished could not be done; the text is for the user."""

    exit_status: ClassVar[int] = 1


class CloudError(CliError):
    """The cloud did not answer, or refused; `code` is its own, empty where there was no answer."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class FunctionError(CloudError):
    """The function raised; carries what the platform says about it."""

    def __init__(self, details: Mapping[str, Any]) -> None:
        kind = str(details.get("errorType"))
        super().__init__(f"the function failed: {kind}: {details.get('errorMessage')}", kind)
        self.details = details


class UsageError(CliError):
    """What was asked for makes no sense."""

    exit_status: ClassVar[int] = 2
