"""Errors: one tree, drawn where it is defined."""

import ast
import re
from pathlib import Path

from handler import errors
from handler.errors import OtaModulesError


def test_every_error_is_in_the_tree_that_its_module_draws() -> None:
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    drawn = ast.get_docstring(tree) or ""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [each.name for each in classes if not re.search(rf"\b{each.name}\b", drawn)] == []
    assert [each.name for each in classes if not ast.get_docstring(each)] == []
    assert issubclass(OtaModulesError, Exception)
