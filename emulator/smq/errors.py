"""The errors that SMQ answers (SMQ, "Error codes"): a class only where somebody catches it.

SmqError
├── InvalidArgument
├── Conflict
└── NotFound
"""


class SmqError(Exception):
    """A request that SMQ refuses: `status` of the answer, `code` for programs, and `text` for people."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


class InvalidArgument(SmqError):
    """An element is missing or unknown, or has a value outside its limits."""

    def __init__(self, text: str) -> None:
        super().__init__(400, "InvalidArgument", text)


class Conflict(SmqError):
    """A queue, topic or subscription of this name has other attributes."""

    def __init__(self, kind: str) -> None:
        text = f"The {kind} you want to create is already exist, with other attributes."
        super().__init__(409, f"{kind.capitalize()}AlreadyExist", text)


class NotFound(SmqError):
    """The queue, topic or subscription does not exist."""

    def __init__(self, kind: str) -> None:
        super().__init__(404, f"{kind.capitalize()}NotExist", f"The {kind} name you provided is not exist.")
