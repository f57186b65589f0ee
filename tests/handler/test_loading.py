"""Loading: what a new instance leaves out."""

import json
import subprocess
import sys

from tests.support.paths import ROOT

SHOW = """
import gc, json, sys
from handler import index
print(json.dumps([gc.isenabled(), gc.get_freeze_count() > 1000, sorted(set(sys.modules) & set(sys.argv[1:]))]))
"""
LEFT_OUT = [
    "redis", "aliyunsdkcore.client", "mns", "http.client", "email.utils", "xml.etree.ElementTree", "handler.web", "handler.quota",
    "handler.tracing", "pickle", "zipfile", "asyncio", "difflib", "_sysconfigdata__linux_x86_64-linux-gnu",
    *(["subprocess"] if sys.version_info >= (3, 11) else []),  # before, `platform` imports it, and with that `uuid`
]  # fmt: skip
DEFERRED = """
import sys
from handler import index
import importlib.metadata, urllib.request, xml.etree.cElementTree
from importlib.metadata import entry_points, version
from urllib.request import pathname2url, urlopen
assert list(entry_points(group="no such group")) == []
assert importlib.metadata.version is version is sys.modules["importlib.metadata"].version
assert importlib.metadata.__file__
assert urllib.request.urlopen is urlopen is sys.modules["urllib.request"].urlopen
for text in ("a b&c/d", "a=b%20c&d=~._-9", "a+b", "\u5fae", ""):
    assert urllib.request.pathname2url(text) == pathname2url(text) == urllib.parse.quote(text)
assert xml.etree.cElementTree.fromstring("<a/>").tag == "a"
"""


def run_in_new_process(script: str, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_new_instance_loads_only_what_every_request_needs() -> None:
    assert json.loads(run_in_new_process(SHOW, *LEFT_OUT)) == [True, True, []]


def test_what_was_left_out_is_there_for_whoever_uses_it() -> None:
    run_in_new_process(DEFERRED)


def test_a_module_that_is_loaded_already_stays() -> None:
    """The platform's own imports are not undone."""
    run_in_new_process(
        "import importlib.metadata as one; from handler import index; import importlib.metadata as two; assert one is two"
    )
