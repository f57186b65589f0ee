"""A Valkey that does no more than the function's own script needs: the script as it is, run by Lua, at any time one likes."""

from collections.abc import Callable, Sequence
from typing import Any

from lupa.lua51 import LuaRuntime  # the version that the server has

from handler import store

_lua = LuaRuntime(register_eval=False, register_builtins=False)


class Valkey:
    """Records, and the script. `now` is its clock, in microseconds; whoever holds it moves it on."""

    def __init__(self) -> None:
        self.now = 0
        self.records: dict[str, dict[str, str]] = {}
        self.expires: dict[str, int] = {}
        does: dict[str, Callable[..., Any]]
        does = {"TIME": self._time, "HMGET": self._get, "HSET": self._set, "PEXPIRE": self._expire}
        self._redis = _lua.table_from({"call": lambda name, *arguments: does[name](*arguments)})
        self._script = _lua.eval(f"function(redis, KEYS, ARGV) {store.SCRIPT} end")

    def run(self, key: str, arguments: Sequence[float]) -> list[int]:
        """The script's answer, as the package redis gives it: numbers lose their fractions."""
        if self.expires.get(key, 0) <= self.now:
            self.records.pop(key, None)
        given = [repr(each) for each in arguments]
        answer = self._script(self._redis, _lua.table_from([key]), _lua.table_from(given))
        return [int(each) for each in answer.values()]

    def forget(self) -> None:
        self.records.clear()

    def _time(self) -> Any:
        return _lua.table_from([str(part) for part in divmod(self.now, 1_000_000)])

    def _get(self, key: str, *names: str) -> Any:
        record = self.records.get(key, {})
        return _lua.table_from([record.get(name, False) for name in names])

    def _set(self, key: str, *fields: str | float) -> int:
        texts = [each if isinstance(each, str) else f"{each:.17g}" for each in fields]
        self.records.setdefault(key, {}).update(zip(texts[::2], texts[1::2], strict=True))
        return 0

    def _expire(self, key: str, milliseconds: int) -> int:
        self.expires[key] = self.now + milliseconds * 1000
        return 1
