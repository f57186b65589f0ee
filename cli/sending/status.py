"""Figures in words: one line beside a progress bar, or the lines of `ota-modules status`."""

from collections.abc import Iterator

from cli.records import Figure, Figures
from cli.terminal.screen import visible

STALE = 5.0
"""Seconds from which on the age of a figure is shown."""
RECENT_ERROR = 120.0
"""Seconds for which an error is shown while a command waits."""
LONGEST_ERROR = 160
UNITS = {
    "waiting": "", "in_flight": "", "delayed": "", "dead": "", "calls": "/s of the IoT API", "outcomes": "/s",
    "share": " calls a second of each operation",
}  # fmt: skip
"""Figures that are shown, in their order, with their units."""


def span(seconds: float) -> str:
    """Return a duration as people say it: `45 s`, `7 min 37 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def line(figures: Figures) -> str:
    """Return one line for a command that waits: `1,900 queued ahead · 4 min 31 s left · last error …`."""
    parts = []
    if figures.ahead is not None:
        parts.append(f"{figures.ahead:,.0f} queued ahead")
    error = figures.last_error if figures.last_error and figures.last_error.age < RECENT_ERROR else None
    stands_still = error is not None and figures.outcomes.value == 0
    if figures.seconds_left and not stands_still:
        parts.append(f"{span(figures.seconds_left)} left")
    parts += [f"stream {stream.state.lower()}" for stream in figures.streams if not stream.is_running]
    if error:
        parts.append(f"last error {span(error.age)} ago: {visible(error.text)[:LONGEST_ERROR]}")
    return " · ".join(parts)


def table(figures: Figures) -> Iterator[tuple[str, str]]:
    """Yield each figure's name and what is known of it."""
    for name, unit in UNITS.items():
        yield {"dead": "dead letters"}.get(name, name.replace("_", " ")), _shown(getattr(figures, name), unit)
    yield "time left", _time_left(figures)
    for stream in figures.streams:
        yield "stream", f"{stream.state.lower()} ({stream.name})"
    error = figures.last_error
    yield "last error", f"{span(error.age)} ago: {visible(error.text)}" if error else "none"
    for text in figures.unknown:
        yield "unknown", visible(text)


def _shown(figure: Figure, unit: str) -> str:
    if figure.value is None:
        return f"unknown: {visible(figure.unknown)}"
    age = f" ({span(figure.age)} ago)" if figure.age >= STALE else ""
    return f"{figure.value:,g}{unit}{age}" if figure.value < 1e6 else f"{figure.value:,.0f}{unit}{age}"


def _time_left(figures: Figures) -> str:
    if figures.seconds_left is None:
        return "unknown"
    stopped = any(not stream.is_running for stream in figures.streams)
    return f"{span(figures.seconds_left)}{', once the stream runs' if stopped else ''}"
