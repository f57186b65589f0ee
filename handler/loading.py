"""Speeds up a cold start (`make bench`, the start). Must be imported first.

Garbage collection during the imports finds nothing, and took a twentieth of a cold start's processor time. Pydantic would
search everything that is installed for plugins, and the platform installs many packages.
"""

import gc
import importlib
import os
import re
import sys
from collections.abc import Callable
from types import ModuleType
from urllib.parse import quote


class Deferred(ModuleType):
    """Stands in for a module that others import and the function never uses; loads it on first use."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        return getattr(load(self.__name__), name)


def load(name: str) -> ModuleType:
    """Load a module that was deferred."""
    if isinstance(sys.modules.get(name), Deferred):
        del sys.modules[name]
    return importlib.import_module(name)


def defer(path: str, **taken: Callable[..., object]) -> None:
    """Defer a module until it is used, unless the platform has loaded it already.

    `taken` stand in for the functions that others import from it by name.
    """
    if path not in sys.modules:
        parent, _, name = path.rpartition(".")
        sys.modules[path] = module = Deferred(path)
        vars(module).update(taken)
        setattr(importlib.import_module(parent), name, module)


def quote_path(text: str) -> str:
    """Quote a text, as pathname2url does on every system but Windows; ten times as fast for the composer's query."""
    if re.fullmatch("[A-Za-z0-9_.~%&=-]*", text):
        return text.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
    return quote(text)


def finish() -> None:
    """Collect garbage from now on, but never scan what is loaded by now."""
    gc.freeze()
    gc.enable()


gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault("PYTHONTZPATH", "")  # else zoneinfo, which pydantic imports, reads how Python was built
defer(
    "importlib.metadata", entry_points=lambda **selected: load("importlib.metadata").entry_points(**selected)
)  # pydantic
defer("urllib.request", pathname2url=quote_path)  # the composer of signatures
defer("xml.etree.cElementTree")  # beside the composer
