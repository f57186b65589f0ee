"""What of each wheel goes into the zip: the parts that the function imports, and every licence."""

from pathlib import PurePosixPath

LICENCES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")

# Of the SDK only this is used: request signing. A package that is not named here is kept whole.
USED = {
    "aliyunsdkcore": {
        "__init__.py",
        "auth/__init__.py",
        "auth/algorithm/__init__.py",
        "auth/algorithm/sha_hmac1.py",
        "auth/composer/__init__.py",
        "auth/composer/rpc_signature_composer.py",
        "compat.py",
        "utils/__init__.py",
        "utils/parameter_helper.py",
        "vendored/__init__.py",
        "vendored/six.py",
    },
}
UNUSED = (
    # The older pydantic inside pydantic, plug-ins for a type checker, and examples for tests.
    "pydantic/v1/",
    "pydantic/mypy.py",
    "pydantic/_hypothesis_plugin.py",
    "annotated_types/test_cases.py",
    # Several stores at once, and the store's own modules: redis imports them when they are first used, and the quota uses none.
    "redis/asyncio/http/",
    "redis/asyncio/multidb/",
    "redis/background.py",
    "redis/commands/bf/",
    "redis/commands/json/",
    "redis/commands/search/",
    "redis/commands/timeseries/",
    "redis/commands/vectorset/",
    "redis/http/",
    "redis/multidb/",
)


def prune(name: str, content: bytes) -> bytes | None:
    """Return what the zip holds of a wheel's file: its content, less of it, or nothing."""
    path = PurePosixPath(name)
    top = path.parts[0]
    if top.endswith(".dist-info"):
        return prune_description(path, content)
    if top.endswith(".data") or path.suffix in {".pyi", ".pyc"} or path.name == "py.typed" or name.startswith(UNUSED):
        return None
    if top in USED and "/".join(path.parts[1:]) not in USED[top]:
        return None
    return content


def prune_description(path: PurePosixPath, content: bytes) -> bytes | None:
    """Return what the zip holds of a file of .dist-info: licences, and METADATA without the pages below its head."""
    if path.name.upper().startswith(LICENCES):
        return content
    if path.name == "METADATA":
        head, _, _ = content.replace(b"\r\n", b"\n").partition(b"\n\n")
        return head + b"\n"
    return None
