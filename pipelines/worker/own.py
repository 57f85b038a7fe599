"""Telemetry of the worker itself, when it comes back through the pipeline: told by its resource."""

from typing import Any, Final

from google.protobuf.message import DecodeError

from pipelines.decode import messages, otlp_json
from pipelines.errors import BadMessage
from pipelines.payloads import Payload, Unreadable

SELF: Final = "otelmart.self"  # a resource attribute; true


def is_own(item: Payload | Unreadable) -> bool:
    """Whether a payload holds nothing but what a worker said of itself."""
    if isinstance(item, Unreadable) or SELF.encode() not in item.data:
        return False
    try:
        data = otlp_json.to_protobuf(item.signal, item.data) if item.encoding == "json" else item.data
        request = messages.REQUESTS[item.signal].FromString(data)
    except (BadMessage, DecodeError, ValueError):
        return False
    resources = getattr(request, messages.RESOURCES[item.signal])
    return bool(resources) and all(_is_own(each.resource) for each in resources)


def _is_own(resource: Any) -> bool:
    return any(each.key == SELF.encode() and each.value.bool_value for each in resource.attributes)
