"""One harmless request through the whole deployment: its module name breaks a rule, so it is rejected and changes nothing."""

import json
import secrets
import time
from contextlib import closing

from cli.clients import http, signing
from cli.clients.checks import Answer, ok, wrong
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CloudError
from cli.sending.browsing import temporary_inbox
from handler.clock import Clock

BROKEN_NAME = "doctor: no module name"
"""Holds what no module's name may hold: the function refuses it, before it calls anything."""
PATIENCE = 60.0
QUEUED = "`ota-modules status`: is the stream running, how much is queued ahead, what is the last error?"


def through_queue(target: Target, product: str) -> Answer:
    """Send the request by the queue and wait for its outcome. Raises: CloudError."""
    id_ = f"doctor-{secrets.token_hex(4)}"
    body = json.dumps({"ProductKey": product, "ModuleName": BROKEN_NAME, "Id": id_})
    clock = Clock()
    began = clock.now()
    with closing(Mailbox(target)) as mailbox, temporary_inbox(target, "cli") as inbox:
        mailbox.send(target.names.request_queue, [body])
        while clock.now() - began < PATIENCE:
            for event in inbox.events():
                if event.get("causationid") == id_:
                    return _judge(event["data"].get("Status"), clock.now() - began)
    return wrong(f"no outcome within {PATIENCE:.0f} s", QUEUED)


def over_http(target: Target, product: str, address: str) -> Answer:
    """Send the request to the HTTP trigger. Raises: CloudError."""
    url = f"{address.rstrip('/').removesuffix('/modules')}/modules"
    body = json.dumps({"ProductKey": product, "ModuleName": BROKEN_NAME}).encode()
    headers = {"Content-Type": "application/json", **signing.signed_headers("POST", url, target.keys, time.time())}
    began = time.monotonic()
    answer = http.call(url, "POST", headers, body, seconds=70)
    try:
        value = json.loads(answer.content)
        status = value.get("Status")
    except (ValueError, AttributeError):
        raise CloudError(f"the HTTP trigger answered {answer.status}, not an outcome") from None
    return _judge(status, time.monotonic() - began)


def _judge(status: object, seconds: float) -> Answer:
    if status == "rejected":
        return ok(f"rejected, as it must be, after {seconds:.1f} s")
    return wrong(f"its status is {status}, not rejected", "is another version deployed, or another function?")
