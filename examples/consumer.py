"""Prints the outcomes of one status, each once, until none has come for so many seconds."""

import json
import os
import sys

from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta

endpoint, arn, status, seconds = sys.argv[1:]
smq = Account(endpoint, os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
queue = smq.get_queue(arn.rpartition("/")[2])
queue.create(QueueMeta())
smq.get_subscription("ota-module-results", queue.queue_name).subscribe(SubscriptionMeta(arn, "", "SIMPLIFIED", status))
seen = set()  # keep it where it outlives the process: a message that comes again has the same id
try:
    while message := queue.receive_message(int(seconds)):
        event = json.loads(message.message_body)  # the SDK has undone the base64
        if event["id"] not in seen:
            print(event["causationid"], event["data"])  # here goes what you do about it
            seen.add(event["id"])
        queue.delete_message(message.receipt_handle)
except MNSServerException as end:
    sys.exit(None if end.type == "MessageNotExist" else str(end))
