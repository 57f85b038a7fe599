"""Which messages hold text that is repaired with U+FFFD. Only asked about requests whose strings are not all UTF-8."""

from typing import Any

from pipelines.decode import messages

# Below these stand other rows, or (entity_refs) what no column keeps.
_NOT_OF_THIS_ROW = {
    "scope_spans", "scope_logs", "scope_metrics", "spans", "log_records", "metrics", "entity_refs",
    "gauge", "sum", "histogram", "exponential_histogram", "summary",
}  # fmt: skip


def is_repaired(message: Any) -> bool:
    """Whether a string of the message is not UTF-8, those in other rows below it apart."""
    return any(
        _is_bad_field(message.DESCRIPTOR.full_name, field, value)
        for field, value in message.ListFields()
        if field.message_type is None or field.name not in _NOT_OF_THIS_ROW
    )


def _is_bad_field(message: str, field: Any, value: Any) -> bool:
    if field.message_type is not None:
        return any(is_repaired(each) for each in (value if field.is_repeated else [value]))
    if not messages.is_text(message, field.name):
        return False
    return any(_is_bad(each) for each in (value if field.is_repeated else [value]))


def _is_bad(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False
