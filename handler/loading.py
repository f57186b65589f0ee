"""Imported before everything else that the function loads, so that it loads faster (`make bench`, the start).

What is loaded stays, so looking for garbage meanwhile is in vain: it took a twentieth of a cold start's processor time. And
pydantic would look through everything that is installed for plugins; the platform's own packages are many.
"""

import gc
import importlib
import os
import re
import sys
from types import ModuleType
from urllib.parse import quote


class Deferred(ModuleType):
    """Stands in for a module that others import and the function never uses; loads it when somebody does."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        return getattr(self.load(), name)

    def load(self) -> ModuleType:
        """Make way for the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


class DeferredMetadata(Deferred):
    """Stands in for importlib.metadata, from which pydantic takes this function by name and never calls it."""

    def entry_points(self, **selected: str) -> object:
        """Look for plugins, as importlib.metadata does."""
        return self.load().entry_points(**selected)


class DeferredRequests(Deferred):
    """Stands in for urllib.request, from which the composer of signatures takes this function by name."""

    @staticmethod
    def pathname2url(text: str) -> str:
        """Quote a text, as on every system but Windows; a query, which is all that the composer has, in a tenth of the time."""
        if re.fullmatch("[A-Za-z0-9_.~%&=-]*", text):
            return text.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
        return quote(text)


def defer(module: Deferred) -> None:
    """Let a module wait until it is used, unless the platform has loaded it already."""
    if module.__name__ not in sys.modules:
        parent, _, name = module.__name__.rpartition(".")
        sys.modules[module.__name__] = module
        setattr(importlib.import_module(parent), name, module)


def done() -> None:
    """Collect garbage from now on, but never look again at what is loaded by now."""
    gc.freeze()
    gc.enable()


gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault("PYTHONTZPATH", "")  # else zoneinfo, which pydantic imports, reads all that Python was built with
defer(DeferredMetadata("importlib.metadata"))
defer(DeferredRequests("urllib.request"))
defer(Deferred("xml.etree.cElementTree"))  # imported beside the composer
