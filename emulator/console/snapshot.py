"""Describes the state of the local cloud at this moment, for the page."""

from collections.abc import Mapping
from dataclasses import asdict

from emulator.cloud import Cloud
from emulator.iot.products import CUSTOM_MODULES

QUOTA = ("OTA_QPS", "OTA_QUOTA_INSTANCES", "OTA_QUOTA_HOST", "OTA_QUOTA_KEY", "OTA_QUOTA_URL")


def describe_cloud(cloud: Cloud) -> dict[str, object]:
    """Describe queues, streams, functions, instances and calls."""
    names = {name: role for role, name in cloud.template.outputs.items() if role.endswith("Queue")}
    return {
        "urls": asdict(cloud.urls),
        "began": cloud.began,
        "calls": {"lastSecond": cloud.iot.rates(), "limit": cloud.iot.limit, "throttles": dict(cloud.iot.throttles)},
        "queues": {queue.name: asdict(cloud.smq.depths(queue.name)) for queue in cloud.template.queues},
        "roles": {queue.name: names.get(queue.name, "") for queue in cloud.template.queues},
        "streams": [
            {
                "name": stream.config.name, "state": stream.state, "inFlight": stream.in_flight,
                "delivered": stream.delivered, "retried": stream.retried, "deadLettered": stream.dead_lettered,
                "function": stream.config.function, "queue": stream.config.trigger.queue,
            }
            for stream in cloud.streams
        ],
        "functions": [
            {
                "name": name, "limit": deployed.config.instances, **asdict(deployed.counters),
                "settings": _show_quota_settings(deployed.config.environment),
            }
            for name, deployed in cloud.fc.functions.items()
        ],
        "instances": [
            {
                "id": instance.id, "function": instance.config.name, "state": instance.state, "pid": instance.pid,
                "invocations": instance.invocations, "started": instance.started,
            }
            for instance in cloud.fc.instances
        ],
    }  # fmt: skip


def _show_quota_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a function's settings of the quota; the address of a store may hold a password, so its value is not shown."""
    return {name: "set" if name == "OTA_QUOTA_URL" else environment[name] for name in QUOTA if environment.get(name)}


def describe_limits(cloud: Cloud) -> dict[str, int]:
    """Return how many calls of each operation pass in any second, for those that were called."""
    return {name: cloud.iot.limit_of(name) for name in cloud.iot.rates()}


def describe_products(cloud: Cloud) -> list[dict[str, object]]:
    """Describe every product with its own modules."""
    return [
        {
            "key": product.key, "name": product.name, "instance": product.instance, "most": CUSTOM_MODULES,
            "modules": [
                {name: getattr(module, name) for name in ("name", "alias", "desc", "created", "packages")}
                for module in product.custom_modules
            ],
        }
        for product in cloud.iot.products
    ]  # fmt: skip


def stamp_modules(cloud: Cloud) -> str:
    """Return a text that changes whenever a product or a module does."""
    moments = [module.modified for product in cloud.iot.products for module in product.modules]
    return f"{len(moments)}-{max(moments, default=0)}"
