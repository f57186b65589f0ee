"""Writes outcomes as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

COLUMNS = ("time", "status", "product", "module", "id", "correlation", "attempts", "note")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def matches(outcome: Mapping[str, object], status: str, run: str, words: str) -> bool:
    """Return True if an outcome has this status, run and words; an empty filter passes all."""
    fields = (outcome[name] for name in ("product", "module", "id", "correlation", "note", "status"))
    return (
        status in ("", outcome["status"])
        and (not run or str(outcome["id"]).startswith(f"{run}-"))
        and words.casefold() in " ".join(str(field or "") for field in fields).casefold()
    )


def write_csv(outcomes: Iterable[Mapping[str, object]]) -> bytes:
    """Write outcomes, as the page's list describes them. The mark at the beginning lets spreadsheets read Chinese."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for outcome in outcomes:
        moment = datetime.fromtimestamp(float(str(outcome["at"])), timezone.utc).isoformat(timespec="milliseconds")
        table.writerow([moment, *(_cell(outcome[name]) for name in COLUMNS[1:])])
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    """Quote a text that a spreadsheet would run as a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
