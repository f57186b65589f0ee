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
    matching = [row for row in rows if all(_matches(term.strip(), row) for term in search.split(" and "))]
    if not statement:
        return [dict(row) for row in matching]
    columns = ["__time__", "functionName", *(f"message.{field}" for field in fields)]
    # Quoted names that SQLite does not know would be taken for texts.
    if unknown := set(re.findall(r'"([^"]+)"', statement)) - set(columns):
        raise sqlite3.OperationalError(f"the index has no {', '.join(sorted(unknown))}")
    base = sqlite3.connect(":memory:")
    base.row_factory = sqlite3.Row
    base.create_function("from_unixtime", 1, lambda seconds: seconds)
    base.execute(f"create table log ({', '.join(json.dumps(name) for name in columns)})")
    values = [[row["__time__"], row["functionName"], *map(_message(row).get, fields)] for row in matching]
    base.executemany(f"insert into log values ({', '.join('?' * len(columns))})", values)
    select, *tail = re.split(r"(?= (?:group|order|limit) )", statement, maxsplit=1)
    return [dict(row) for row in base.execute(f"{select} from log {''.join(tail)}")]


def _message(row: Row) -> Mapping[str, Any]:
    try:
        message = json.loads(row["message"])
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _matches(term: str, row: Row) -> bool:
    if term.startswith("message."):
        name, _, value = term.removeprefix("message.").partition(":")
        return str(_message(row).get(name.strip(), "")).lower() == value.strip().lower()
    return term.strip('"').lower() in row["message"].lower()
