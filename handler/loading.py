"""Imported before everything else that the function loads, so that it loads faster (`make bench`, the start).

What is loaded stays, so looking for garbage meanwhile is in vain: it took a twentieth of a cold start's processor time. And
pydantic would look through everything that is installed for plugins; the platform's own packages are many.
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
    """Stands in for a module that others import and the function never uses; loads it when somebody does."""

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
    """Let a module wait until it is used, unless the platform has loaded it already.

    `taken` are the functions that others import from it by name and do not call.
    """
    if path not in sys.modules:
        parent, _, name = path.rpartition(".")
        sys.modules[path] = module = Deferred(path)
        vars(module).update(taken)
        setattr(importlib.import_module(parent), name, module)


def quote_path(text: str) -> str:
    """Quote a text, as pathname2url does on every system but Windows; the composer's query in a tenth of the time."""
    if re.fullmatch("[A-Za-z0-9_.~%&=-]*", text):
        return text.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
    return quote(text)


def done() -> None:
    """Collect garbage from now on, but never look again at what is loaded by now."""
    gc.freeze()
    gc.enable()


gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault("PYTHONTZPATH", "")  # else zoneinfo, which pydantic imports, reads all that Python was built with
defer(
    "importlib.metadata", entry_points=lambda **selected: load("importlib.metadata").entry_points(**selected)
)  # pydantic
defer("urllib.request", pathname2url=quote_path)  # the composer of signatures
defer("xml.etree.cElementTree")  # beside the composer
