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


def test_a_new_instance_loads_only_what_every_request_needs() -> None:
    run = subprocess.run([sys.executable, "-c", SHOW, *LEFT_OUT], cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert json.loads(run.stdout) == [True, True, []]


def test_what_was_left_out_is_there_for_whoever_uses_it() -> None:
    run = subprocess.run(
        [sys.executable, "-c", DEFERRED], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr


def test_a_module_that_is_loaded_already_stays() -> None:
    """The platform's own imports are not undone."""
    script = "import importlib.metadata as one; from handler import index; import importlib.metadata as two; assert one is two"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
