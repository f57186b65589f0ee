"""Encodes spans as OTLP wants them, in binary protobuf (opentelemetry-proto: trace/v1/trace.proto, common/v1/common.proto).

Only what spans need: numbers of fields are below 16, and integers are not negative.
"""

import struct
from collections.abc import Iterable, Mapping

Attributes = Mapping[str, str | int | None]


def encode_span(
    ids: tuple[str, str, str], name: str, kind: int, times: tuple[float, float], attributes: Attributes
) -> bytes:
    """Encode a span. `ids` are those of its trace, its own and its parent's, in hex; `times` are unix seconds."""
    parts = [_part(number, bytes.fromhex(text)) for number, text in zip((1, 2, 4), ids, strict=True) if text]
    parts += [_part(5, name.encode()), _integer(6, kind)]
    parts += [
        struct.pack("<BQ", number << 3 | 1, round(seconds * 1e9)) for number, seconds in zip((7, 8), times, strict=True)
    ]
    status = [_part(15, _integer(3, 2))] if "error.type" in attributes else []  # STATUS_CODE_ERROR
    return b"".join([*parts, _attributes(9, attributes), *status])


def encode_export(spans: Iterable[bytes], resource: Attributes, scope: str) -> bytes:
    """Encode an ExportTraceServiceRequest: spans and their common resource."""
    inner = _part(1, _part(1, scope.encode())) + b"".join(_part(2, span) for span in spans)
    return _part(1, _part(1, _attributes(1, resource)) + _part(2, inner))


def _attributes(number: int, attributes: Attributes) -> bytes:
    known = ((name, value) for name, value in attributes.items() if value is not None)
    return b"".join(_part(number, _part(1, name.encode()) + _part(2, _value(value))) for name, value in known)


def _value(value: str | int) -> bytes:
    return _integer(3, value) if isinstance(value, int) else _part(1, value.encode("utf-8", "replace"))


def _part(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _integer(number: int, value: int) -> bytes:
    return bytes([number << 3]) + _varint(value)


def _varint(value: int) -> bytes:
    sevens = []
    while value > 127:
        sevens.append(value & 127 | 128)
        value >>= 7
    return bytes([*sevens, value])
