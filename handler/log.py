"""Writes JSON lines to standard output, with secrets masked.

A line is at most 32 KB, the platform's own limit (Function Compute, "Logging").
"""

import json
import re
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import PurePath
from typing import NamedTuple

from pydantic_core import to_json

from handler.version import VERSION

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
LONGEST_TEXT = 2_000

_MASK = "***"
_SIGNS = ("signature", "token", "secret", "password", "authorization", "receipthandle", "bearer", "://")
"""One of these precedes every secret; most texts have none."""
# Secrets in texts of the SDKs: query parameters, headers, XML or JSON fields, and addresses with a password.
_GRANTING = r"""(?ix) (?P<name> \b (?: signature | security[-_]?token | access[-_]?key[-_]?secret | product[-_]?secret | password
                             | (?P<scheme> authorization ) | receipthandle ) ["']? \s* (?: = | : | > ) \s* ["']?
                           | \b bearer \s | :// [^\s/:@]* : (?= [^\s@]* @ ) )
        (?(scheme) (?: [\w-]+ \s+ )? ) [^\s&"'<>,;]+"""


def mask(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Mask secrets in a text: the given values, and whatever follows a name that grants access."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _MASK)
    if not any(map(text.lower().__contains__, _SIGNS)):
        return text
    return re.sub(_GRANTING, lambda found: found["name"] + _MASK, text)


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
    except UnicodeEncodeError:  # a request must not fail because an environment's output is no UTF-8
        sys.stdout.write(json.dumps(json.loads(line)) + "\n")
    sys.stdout.flush()


class Log(NamedTuple):
    """Writes lines at or above `level`; `secrets` are masked wherever they occur, `fields` are added to each line."""

    level: str = "INFO"
    write: Callable[[str], None] = _write
    secrets: tuple[str, ...] = ()
    fields: tuple[tuple[str, object], ...] = ()
    now: Callable[[], float] = time.time

    def __repr__(self) -> str:
        return f"Log({self.level!r})"

    def bind(self, *, secrets: tuple[str, ...] = (), **fields: object) -> "Log":
        """Return the log with more secrets to mask and more fields in each line."""
        return self._replace(secrets=self.secrets + secrets, fields=self.fields + tuple(fields.items()))

    def info(self, event: str, **fields: object) -> None:
        self._line("INFO", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._line("WARNING", event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._line("ERROR", event, fields)

    def fault(self, error: Exception, **fields: object) -> None:
        """Write an internal error: its type, its text, and the line of code that raised it."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
        self.error("internal_error", error=type(error).__name__, text=error, at=place, **fields)

    def _line(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS[level] < LEVELS[self.level]:
            return
        moment = datetime.fromtimestamp(self.now(), timezone.utc).isoformat(timespec="milliseconds")
        head = {"time": moment.replace("+00:00", "Z"), "level": level, "event": event, "version": VERSION}
        record = {**head, **dict(self.fields), **fields}
        present = {name: value for name, value in record.items() if value is not None}
        texts = "\n".join(map(str, present.values()))
        hide = str if mask(texts, self.secrets) == texts else partial(mask, secrets=self.secrets)
        self.write(to_json(_plain(present, hide)).decode())


def _plain(value: object, hide: Callable[[str], str]) -> object:
    """Convert a value to JSON's types, with at most four decimals."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(inner, hide) for name, inner in value.items()}
    text = hide(str(value))[:LONGEST_TEXT]
    # A lone surrogate cannot be written to standard output, and must not cost the whole line.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
