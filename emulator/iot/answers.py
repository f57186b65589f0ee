"""Answers of the real platform to questions that its documentation leaves open, kept in a file by `make conformance`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

ListShape = Literal["array", "object", "wrapped", "null"]
"""ListOTAModuleByProduct's Data in JSON: the page's table and the newer SDK say array, its sample shows one object, a
model of an older SDK wraps the array in OtaModuleDTO. `object` applies to one module and `null` to none."""


class AnswersError(Exception):
    """A file has no valid answers; the text names the file and the error."""


class Answers(BaseModel):
    """The known answers; None for a question that was not asked yet. See `emulator.iot.quirks.Quirks`."""

    model_config = ConfigDict(frozen=True)

    list_shape: ListShape | None = None
    lists_default: bool | None = None
    update_clears: bool | None = None
    null_absent: bool | None = None
    codes: dict[str, str | None] = {}
    """The code of each refusal, by the rule that was broken: `NameTaken`."""


class _File(BaseModel):
    answers: Answers


def read_answers(path: Path) -> Answers:
    """Raises: AnswersError."""
    try:
        return _File.model_validate_json(path.read_bytes()).answers
    except OSError as error:
        raise AnswersError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        details = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise AnswersError(f"{path}: {'; '.join(details)}") from None
