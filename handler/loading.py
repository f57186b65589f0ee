"""Imported before everything else that the function loads, so that it loads faster (`make bench`, table 4).

What is loaded stays, so looking for garbage meanwhile is in vain: it took a twentieth of a cold start's processor time. And
pydantic would look through everything that is installed for plugins; the platform's own packages are many.
"""

import gc
import os

gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def done() -> None:
    """All is loaded: from now on garbage is collected, and what is there now is not looked at again."""
    gc.freeze()
    gc.enable()
