"""What of a wheel goes into the zip."""

from deploy.pruning import kept


def test_what_nothing_imports_is_left_out() -> None:
    """Of the SDKs only the parts that are used; of descriptions only licence and name."""
    names = [
        "aliyunsdkcore/client.py",
        "aliyunsdkcore/vendored/requests/api.py",
        "pydantic/v1/main.py",
        "pydantic/mypy.py",
        "redis/multidb/client.py",
        "redis/commands/search/commands.py",
        "pydantic_core/core_schema.pyi",
        "redis-8.1.0.dist-info/RECORD",
        "pydantic_core-2.0.dist-info/sboms/pydantic-core.cyclonedx.json",
        "typing_extensions-4.0.data/scripts/tool",
    ]
    assert [name for name in names if kept(name, b"content") is not None] == []


def test_a_description_is_cut_to_its_head() -> None:
    """Name and version are read by the package itself; the pages after them by nobody."""
    assert kept("x-1.dist-info/METADATA", b"Name: x\r\nVersion: 1\r\n\r\n# x\n") == b"Name: x\nVersion: 1\n"
