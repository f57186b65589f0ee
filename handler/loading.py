"""Imported before everything else that the function loads, so that it loads faster (`make bench`, the start).

What is loaded stays, so looking for garbage meanwhile is in vain: it took a twentieth of a cold start's processor time. And
pydantic would look through everything that is installed for plugins; the platform's own packages are many.
"""

import gc
import importlib
import os
import sys
from types import ModuleType


class DeferredMetadata(ModuleType):
    """Stands in for importlib.metadata, from which pydantic takes a function that it never calls; loads it on its first use."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        return getattr(self.load(), name)

    def load(self) -> ModuleType:
        """Make way for the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)

    def entry_points(self, **selected: str) -> object:
        """Look for plugins, as importlib.metadata does."""
        return self.load().entry_points(**selected)


def defer_metadata() -> None:
    """Let importlib.metadata wait until it is used, unless the platform has loaded it already."""
    if "importlib.metadata" not in sys.modules:
        importlib.metadata = sys.modules["importlib.metadata"] = DeferredMetadata("importlib.metadata")


def done() -> None:
    """All is loaded: from now on garbage is collected, and what is there now is not looked at again."""
    gc.freeze()
    gc.enable()


gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault("PYTHONTZPATH", "")  # else zoneinfo, which pydantic imports, reads all that Python was built with
defer_metadata()
