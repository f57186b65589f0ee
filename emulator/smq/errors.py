"""What SMQ answers when it refuses (SMQ, "Error codes").

A class stands for a status, or for what somebody catches; any other code is given with its text.
"""

from typing import ClassVar


class SmqError(Exception):
    """A request that SMQ refuses: `code` for programs, by default the class's name, and `text` for people."""

    status: ClassVar[int] = 500

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code or type(self).__name__


class BadRequest(SmqError):
    """The request was not understood, or has a value outside its limits."""

    status = 400


class InvalidArgument(BadRequest):
    """An element is missing or unknown, or has a value outside its limits."""


class ReceiptHandleError(BadRequest):
    """The receipt handle is not one of this queue's, or no longer valid."""


class Forbidden(SmqError):
    """The caller is unknown, or may not do this."""

    status = 403


class NotFound(SmqError):
    """The topic or subscription does not exist."""

    status = 404


class QueueNotExist(NotFound):
    """The queue does not exist."""


class MessageNotExist(NotFound):
    """No message is visible, or the message is gone."""


class TimeExpired(SmqError):
    """The request's Date differs from the service's clock by more than 15 minutes."""

    status = 408


class Conflict(SmqError):
    """A queue, topic or subscription of this name has other attributes."""

    status = 409
