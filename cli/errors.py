"""What ends a command early."""

from collections.abc import Mapping
from typing import Any, ClassVar

from cli import records


class CliError(Exception):
    """Something could not be done; the text is for the user."""

    exit_status: ClassVar[int] = 1

    def record(self) -> records.Error:
        """Return the error as a JSON line has it."""
        return {"Error": str(self), "ExitStatus": self.exit_status}


class CloudError(CliError):
    """The cloud did not answer, or refused, or a function raised; `code` is empty where there was no answer.

    `details` are what the platform says about a function that raised.
    """

    def __init__(self, text: str, code: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.details = details or {}

    def record(self) -> records.Error:
        made: records.Error = {**super().record(), "Code": self.code}
        return {**made, "Details": dict(self.details)} if self.details else made


class Interrupted(CliError):
    """The user stopped it."""

    exit_status: ClassVar[int] = 130


class NotAllSucceeded(CliError):
    """Some requests failed, or differ from what was wanted."""

    exit_status: ClassVar[int] = 3


class UsageError(CliError):
    """The command line or a file is invalid."""

    exit_status: ClassVar[int] = 2
