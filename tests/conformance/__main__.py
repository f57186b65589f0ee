"""Run on its own (`make conformance`): asks a platform what its documentation leaves open, and writes the answers to a file."""

import argparse
import json
import os
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from handler.credentials import Credentials
from tests.conformance.platform import Platform, local_platform
from tests.conformance.questions import Session, ask_all, record

NEEDED = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCOUNT_ID")
PROBE = Path(__file__).with_name("probe.yml")


def main() -> None:
    """Ask, and write."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--target", choices=("local", "account"), default="local", help="TARGET=; default: local")
    parser.add_argument("--product", help="PRODUCT=: the key of a product that nobody uses, with no modules in it")
    parser.add_argument("--instance", help="INSTANCE=: the instance in which it lies")
    parser.add_argument("--region", default=os.environ.get("OTA_REGION", "cn-shanghai"))
    parser.add_argument("--output", type=Path, default=Path("dist/answers.json"), help="default: dist/answers.json")
    options = parser.parse_args()
    if options.target == "account" and not options.product:
        parser.error("PRODUCT= is needed: modules are made in it and deleted again")
    with _platform(options) as platform:
        session = Session(platform)
        for question in ask_all(session):
            print(question)
    answers = record(session, options.target, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(answers, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    use = f"{options.output}: `ota-modules run --answers {options.output}` makes the local cloud answer so"
    print(*session.notes, use, sep="\n")


def _platform(options: argparse.Namespace) -> AbstractContextManager[Platform]:
    """Choose the local cloud, or the account that the environment names."""
    if options.target == "local":
        return local_platform(template=PROBE, packaged=True, limit=1000)
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        raise SystemExit(f"not set: {', '.join(missing)}")
    key, secret, account = (os.environ[name] for name in NEEDED)
    keys = Credentials(key, secret, os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""))
    iot = os.environ.get("OTA_IOT_ENDPOINT") or f"https://iot.{options.region}.aliyuncs.com"
    smq = os.environ.get("OTA_MNS_ENDPOINT") or f"https://{account}.mns.{options.region}.aliyuncs.com"
    return nullcontext(Platform(options.region, iot, smq, keys, options.product, options.instance))


if __name__ == "__main__":
    main()
