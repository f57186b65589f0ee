"""Manifests in files of the working directory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.manifests.formats import Files, Note
from cli.manifests.manifest import Manifest, load


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Manifest]:
    """`loaded(name, content)` writes a manifest's file and reads it; `note` gets what was guessed."""
    monkeypatch.chdir(tmp_path)

    def read(name: str, content: bytes | str, files: Files | None = None, note: Note = print) -> Manifest:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load([name], files, note)

    return read
