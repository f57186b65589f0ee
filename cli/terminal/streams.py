"""Standard output and standard error, whatever they are: any encoding, a pipe that nobody reads any more."""

import io
import os
import sys
import threading
from functools import partial
from typing import IO

from rich.console import Console

BROKEN_PIPE = 128 + 13
"""The exit status where the reader of a pipe went away, as a shell tells that of a process that SIGPIPE ended."""
PLAIN_WIDTH = 500
"""Columns where the output is no terminal: nothing is folded there."""


def escape_unencodable() -> None:
    """Write an escape for what the encoding of a stream does not have: what is done must not fail for what is shown."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Console(Console):
    """Ends the command when the reader of its output has gone."""

    def on_broken_pipe(self) -> None:
        if threading.current_thread() is threading.main_thread():
            # What is still in the buffers would be written at the end of the process, and fail once more.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
        raise SystemExit(BROKEN_PIPE)


def console(stream: IO[str]) -> Console:
    """Return a console that adds nothing to the text; plain, with lines of any length, where it is no terminal."""
    make = partial(_Console, file=stream, highlight=False, markup=False, emoji=False)
    found = make()
    return found if found.is_terminal else make(width=PLAIN_WIDTH, force_terminal=False, no_color=True)
