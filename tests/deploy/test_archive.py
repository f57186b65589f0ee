"""Zips: what they depend on, and what unpacking them leaves."""

from pathlib import Path

from deploy.archive import lay_out, write


def test_another_content_gives_another_digest(tmp_path: Path) -> None:
    """The digest of the contents does not depend on the compressor, but on every name and every byte."""
    contents = [{"a.py": b"1"}, {"a.py": b"2"}, {"b.py": b"1"}]
    digests = {write(files, tmp_path / f"{number}.zip").contents for number, files in enumerate(contents)}
    assert len(digests) == len(contents)


def test_unpacking_leaves_nothing_of_an_older_build(tmp_path: Path) -> None:
    package = write({"handler/index.py": b""}, tmp_path / "function.zip")
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "old.py").touch()
    lay_out(package.path, tmp_path / "function")
    assert [path.name for path in (tmp_path / "function").iterdir()] == ["handler"]
