"""Compiles every source in a folder: `python compile_sources.py FOLDER PREFIX`, run by the Python that is to load the result.

Uses the standard library alone, as nothing else need be installed for that Python.
"""

import ast
import importlib.util
import marshal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

UNCHECKED = (1).to_bytes(4, "little")
"""PEP 552: the bytecode names its source by a hash that is not compared, so that the source is not even read."""
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compile_folder(folder: Path, prefix: str) -> None:
    """Write bytecode beside every source, which names itself by `prefix` and its place in the folder."""
    for source in sorted(folder.rglob("*.py")):
        name = source.relative_to(folder).as_posix()
        target = Path(importlib.util.cache_from_source(str(source)))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(bytecode(source.read_bytes(), prefix + name, docstrings=name.startswith("handler/")))


def bytecode(source: bytes, name: str, *, docstrings: bool) -> bytes:
    """Return a .pyc file's content, the same for the same source on every machine.

    What a process has known before shows in what it compiles: marshal marks an object to which nothing else refers, and a set
    is built anew where one of its texts was known already. So everything is compiled twice, and known the second time.
    """
    known = list(texts(compiled(source, name, docstrings=docstrings)))
    for text in known:
        if len(text) <= 1:
            sys.intern(text)  # one object in the whole process, interned or not by whoever used it first
    code = compiled(source, name, docstrings=docstrings)
    known += texts(code)
    return importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)


def compiled(source: bytes, name: str, *, docstrings: bool) -> CodeType:
    """Compile a source, with its docstrings or without."""
    tree = ast.parse(source, name)
    if not docstrings:
        drop_docstrings(tree)
    return compile(tree, name, "exec", dont_inherit=True)


def drop_docstrings(tree: ast.AST) -> None:
    """Take out what nobody reads in an instance: a fifth of the bytecode."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            # An import from __future__ may stand behind a docstring, but behind no other statement.
            node.body[:1] = [] if isinstance(node, ast.Module) else [ast.copy_location(ast.Pass(), node.body[0])]


def texts(value: object) -> Iterator[str]:
    """Find every text in a code object, those of the functions inside it included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, frozenset)):
        for part in value:
            yield from texts(part)
    elif isinstance(value, CodeType):
        names = (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars)
        own = (value.co_filename, value.co_name, getattr(value, "co_qualname", ""))
        yield from texts((value.co_consts, *names, *own))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # other people's sources
    compile_folder(Path(sys.argv[1]), sys.argv[2])
