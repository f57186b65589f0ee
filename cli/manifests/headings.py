"""The first row of a table: which column is which field of a request, in any case, in English or in Chinese."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli.manifests.documents import DocumentError, suggestion
from handler.messages import ModuleRequest

FIELDS = tuple(ModuleRequest.model_fields)
ALIASES: Mapping[str, Sequence[str]] = {
    "ProductKey": ("产品", "产品key", "产品标识", "产品标识符"),
    "ModuleName": ("模块", "模块名", "模块名称"),
    "AliasName": ("别名", "模块别名", "名称", "alias"),
    "Desc": ("描述", "模块描述", "说明", "description"),
    "IotInstanceId": ("实例", "实例id", "instance"),
    "OnExisting": ("已存在时",),
    "Id": ("编号",),
}
"""What people call the columns besides the fields' own names; compared without case, blanks and underscores."""
REQUIRED = ("ProductKey", "ModuleName")


def _folded(name: str) -> str:
    return "".join(name.casefold().split()).replace("_", "").replace("-", "")


_FIELD_OF = {
    **{_folded(name): name for name in FIELDS},
    **{_folded(alias): name for name, aliases in ALIASES.items() for alias in aliases},
}


def field_of(heading: str) -> str | None:
    """Return the field that a column's heading means."""
    return _FIELD_OF.get(_folded(heading))


@dataclass(frozen=True)
class Heading:
    """The columns of a table: the field of each, or None for one without a heading."""

    fields: tuple[str | None, ...]

    @classmethod
    def read(cls, cells: Sequence[str], line: int) -> "Heading":
        """Read the heading row. Raises: DocumentError: a column is unknown, there twice or missing; all of it at once."""
        names = [cell.strip() for cell in cells]
        fields = tuple(field_of(name) if name else None for name in names)
        known = [field for field in fields if field]
        problems = [
            f"the column {name!r} is not a field of a request{suggestion(name, FIELDS)}"
            for name, field in zip(names, fields, strict=True)
            if name and field is None
        ]
        problems += [f"the column {field} is there twice" for field in dict.fromkeys(known) if known.count(field) > 1]
        problems += [f"there is no column {field}" for field in REQUIRED if field not in known]
        if problems:
            raise DocumentError(line, "; ".join(problems))
        return cls(fields)

    def request(self, cells: Sequence[str], line: int) -> dict[str, str]:
        """Return a row's fields; an empty cell is a field left out. Raises: DocumentError: a cell has no heading above it."""
        for number, cell in enumerate(cells):
            if cell.strip() and (number >= len(self.fields) or self.fields[number] is None):
                raise DocumentError(line, f"cell {number + 1} ({cell.strip()[:40]!r}) has no heading above it")
        named = zip(self.fields, cells, strict=False)
        return {field: cell.strip() for field, cell in named if field and cell.strip()}
