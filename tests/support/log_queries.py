"""Queries of Simple Log Service, run on lines that the function really wrote: the search by hand, the SQL by SQLite.

Only what the project's own queries use: `field: value` and words, joined by `and`; SQL that Presto and SQLite read alike.
"""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""A line as the log store holds it: `__time__`, `functionName`, and `message` as text."""


def run(query: str, rows: Sequence[Row], fields: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a query's result; `fields` are the keys of `message` that the index knows.

    Raises: sqlite3.OperationalError: the SQL names a field that the index does not know.
    """
    search, _, statement = query.partition("|")
    found = [row for row in rows if _matches(search, row)]
    if not statement:
        return [dict(row) for row in found]
    base = sqlite3.connect(":memory:")
    base.row_factory = sqlite3.Row
    base.create_function("from_unixtime", 1, lambda seconds: seconds)
    columns = ["__time__", "functionName", *(f"message.{field}" for field in fields)]
    base.execute(f"create table log ({', '.join(json.dumps(name) for name in columns)})")
    base.executemany(
        f"insert into log values ({', '.join('?' * len(columns))})", [_values(row, fields) for row in found]
    )
    # Quoted names that SQLite does not know would be taken for texts.
    unknown = set(re.findall(r'"([^"]+)"', statement)) - set(columns)
    if unknown:
        raise sqlite3.OperationalError(f"the index has no {', '.join(sorted(unknown))}")
    place = re.search(r" (group|order|limit) ", statement)
    end = place.start() if place else len(statement)
    return [dict(row) for row in base.execute(f"{statement[:end]} from log {statement[end:]}")]


def _values(row: Row, fields: Sequence[str]) -> list[Any]:
    message = _parsed(row)
    return [row["__time__"], row["functionName"], *(message.get(field) for field in fields)]


def _parsed(row: Row) -> Mapping[str, Any]:
    try:
        message = json.loads(row["message"])
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _matches(search: str, row: Row) -> bool:
    return all(_term(term.strip(), row) for term in search.strip().split(" and "))


def _term(term: str, row: Row) -> bool:
    if term.startswith("message."):
        name, _, value = term.removeprefix("message.").partition(":")
        return str(_parsed(row).get(name.strip(), "")).lower() == value.strip().lower()
    return term.strip('"').lower() in row["message"].lower()
