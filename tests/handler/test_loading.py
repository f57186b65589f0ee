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
LEFT_OUT = ["redis", "wrapt", "mns.account", "mns.queue", "handler.web", "handler.quota", "aliyunsdkcore.client"]


def test_a_new_instance_loads_only_what_every_request_needs() -> None:
    """And looks for garbage again once it is loaded."""
    run = subprocess.run([sys.executable, "-c", SHOW, *LEFT_OUT], cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert json.loads(run.stdout) == [True, True, []]
