"""What the local cloud is doing at this moment."""

from collections.abc import Mapping
from dataclasses import asdict

from emulator.cloud import Cloud
from emulator.iot.products import CUSTOM_MODULES, Module, Product

QUOTA = ("OTA_QPS", "OTA_QUOTA_INSTANCES", "OTA_QUOTA_HOST", "OTA_QUOTA_KEY", "OTA_QUOTA_URL")


def snapshot(cloud: Cloud) -> dict[str, object]:
    """Queues, streams, instances and calls at this moment."""
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
                "name": name, "limit": one.config.instances, "invocations": one.counters.invocations,
                "errors": one.counters.errors, "throttles": one.counters.throttles, "timeouts": one.counters.timeouts,
                "settings": _quota_settings(one.config.environment),
            }
            for name, one in cloud.fc.functions.items()
        ],
        "instances": [
            {
                "id": instance.id, "function": instance.config.name, "state": instance.state, "pid": instance.pid,
                "invocations": instance.invocations, "started": instance.started,
            }
            for instance in cloud.fc.instances
        ],
    }  # fmt: skip


def _quota_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What a function is told about the quota; of the address of a store, which may hold a password, only that it is there."""
    return {name: "set" if name == "OTA_QUOTA_URL" else environment[name] for name in QUOTA if environment.get(name)}


def limits(cloud: Cloud) -> dict[str, int]:
    """Calls of each operation that pass in any second, for those that were called."""
    return {name: cloud.iot.limit_of(name) for name in cloud.iot.rates()}


def products(cloud: Cloud) -> list[dict[str, object]]:
    """Every product with its own modules."""
    return [_product(product) for product in cloud.iot.products]


def stamp(cloud: Cloud) -> str:
    """Return a text that changes whenever a product or a module does."""
    moments = [module.modified for product in cloud.iot.products for module in product.modules]
    return f"{len(moments)}-{max(moments, default=0)}"


def _product(product: Product) -> dict[str, object]:
    modules = [_module(module) for module in product.custom_modules]
    return {
        "key": product.key, "name": product.name, "instance": product.instance, "most": CUSTOM_MODULES, "modules": modules,
    }  # fmt: skip


def _module(module: Module) -> dict[str, object]:
    return {
        "name": module.name, "alias": module.alias, "desc": module.desc, "created": module.created,
        "packages": module.packages,
    }  # fmt: skip
