"""Runs commands with a part of one processor, as a small instance has it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PERIOD = 0.1
"""Seconds in which the part is used up or not, as Linux has it by default."""
_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
LONGEST = 120


class Limit:
    """A part of one processor. `how` says what enforces it."""

    how = "SIGSTOP and SIGCONT"

    def __init__(self, share: float) -> None:
        self.share = share

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> float:
        """Run a command to its end; the seconds that it took. Raises: CalledProcessError."""
        began = time.monotonic()
        with subprocess.Popen(
            command, env=environ, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            while not self._over(process, self.share):
                process.send_signal(signal.SIGSTOP)
                time.sleep(PERIOD * (1 - self.share))
                process.send_signal(signal.SIGCONT)
            seconds = time.monotonic() - began
            if process.returncode:
                assert process.stderr is not None
                raise subprocess.CalledProcessError(process.returncode, command, stderr=process.stderr.read())
        return seconds

    @staticmethod
    def _over(process: "subprocess.Popen[bytes]", share: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PERIOD * share)
        return process.returncode is not None


class GroupLimit(Limit):
    """The same, enforced by a control group: what runs in it is stopped once it has used up its part of a period."""

    def __init__(self, share: float, folder: Path, how: str) -> None:
        super().__init__(share)
        self._folder, self.how = folder, how

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> float:
        """Run a command to its end; the seconds that it took. Raises: CalledProcessError."""
        enter = ["/bin/sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "enter"]
        began = time.monotonic()
        subprocess.run([*enter, *command], check=True, env=environ, cwd="/", timeout=LONGEST, capture_output=True)
        return time.monotonic() - began


@contextmanager
def limited(share: float) -> Iterator[Limit]:
    """Make a limit, by a control group where this process may make one."""
    period, quota = round(PERIOD * 1e6), round(PERIOD * 1e6 * share)
    name = f"ota-modules-bench-{os.getpid()}"
    for folder, how, writes in (
        (_V1 / name, "cgroup v1", {"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota}),
        (_V2 / name, "cgroup v2", {"cpu.max": f"{quota} {period}"}),
    ):
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if all((folder / file).exists() for file in writes):
                for file, value in writes.items():
                    (folder / file).write_text(str(value), encoding="ascii")
                yield GroupLimit(share, folder, how)
                return
        finally:
            folder.rmdir()
    yield Limit(share)
