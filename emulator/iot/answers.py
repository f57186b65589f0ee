"""Answers of the real platform to questions that its documentation leaves open, kept in a file by `make conformance`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIELDS = ("list_shape", "lists_default", "update_clears", "null_absent")
"""What holds for a platform as a whole; see `emulator.iot.quirks.Quirks`."""
SHAPES = ("array", "object", "wrapped", "null")


class AnswersError(Exception):
    """A file that holds no answers; the text says what is wrong with it."""


@dataclass(frozen=True)
class Answers:
    """What is known; whatever is not asked yet is drawn."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    """The code of each refusal, by the name of the rule that it stands for: `NameTaken`."""

    @classmethod
    def read(cls, path: Path) -> "Answers":
        """Read a file. Raises: AnswersError."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise AnswersError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise AnswersError(f"{path}: is not JSON: {error}") from None
        answers = record.get("answers") if isinstance(record, dict) else None
        if not isinstance(answers, dict):
            raise AnswersError(f"{path}: has no answers")
        fields = {name: answers[name] for name in FIELDS if name in answers}
        shape = fields.get("list_shape", "array")
        if shape not in SHAPES:
            raise AnswersError(f"{path}: list_shape is one of {', '.join(SHAPES)}, not {shape!r}")
        codes = answers.get("codes", {})
        if not isinstance(codes, dict):
            raise AnswersError(f"{path}: codes must be an object")
        return cls(fields, {str(rule): str(code) for rule, code in codes.items() if code})
