"""Processes that tests watch."""

import psutil


def runs(pid: int) -> bool:
    """Return True if there is such a process, and not only its entry in a table."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
