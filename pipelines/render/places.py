"""YAML whose every value knows its file and line, so that an error can name both."""

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from pipelines.errors import UsageError

_MAX_DIGITS = 30  # before or after the point: 1.0e+999999999 would never be written out
_WORDS = {yaml.ScalarNode: "a value", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping"}


@dataclass(frozen=True)
class Place:
    """One YAML node, the file it stands in and the name it goes by (`spec.objectives[0].target`)."""

    file: str
    line: int
    name: str
    node: yaml.Node

    @property
    def where(self) -> str:
        """`file:line`; the line is that of the key, where a reader looks first."""
        return f"{self.file}:{self.line}"

    @property
    def is_scalar(self) -> bool:
        """Whether this is a single value, not a list or a mapping."""
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_number(self) -> bool:
        """Whether this is written as a number."""
        return self._tag() in ("int", "float")

    def error(self, text: str) -> UsageError:
        """The error to raise about this place."""
        return UsageError(f"{self.where}: {text}")

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, "Place"]:
        """Members of a mapping by key. Raises UsageError for a missing, unknown or repeated key."""
        found: dict[str, Place] = {}
        for key, place in self._pairs():
            if key not in required and key not in optional:
                raise place.error(f"unknown field {place.name!r}{_hint(key, [*required, *optional])}")
            if key in found:
                raise place.error(f"{place.name} is given twice; keep one")
            found[key] = place
        for key in required:
            if key not in found:
                raise self.error(f"missing field {self._member(key)!r}")
        return found

    def texts(self) -> dict[str, str]:
        """A mapping from any key to text, such as annotations."""
        return {key: place.text() for key, place in self._pairs()}

    def items(self) -> list["Place"]:
        """Members of a list that has at least one."""
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            raise self.error(f"{self.name} must be a list with at least one item")
        return [Place(self.file, _line(node), f"{self.name}[{i}]", node) for i, node in enumerate(self.node.value)]

    def text(self) -> str:
        """A text that is not empty. Numbers and booleans must be quoted to count as text."""
        if self._tag() not in ("str", "timestamp") or not self.node.value.strip():
            raise self.error(f"{self.name} must be text, not {self._shown()}")
        return str(self.node.value)

    def choice(self, choices: Collection[str]) -> str:
        """A text out of a few."""
        value = self.text()
        if value not in choices:
            raise self.error(f"unknown {self.name} {value!r}; choose one of {', '.join(choices)}")
        return value

    def number(self) -> Decimal:
        """A finite decimal, digits as written."""
        try:
            if not self.is_number:
                raise InvalidOperation
            value = Decimal(self.node.value)
        except InvalidOperation:
            raise self.error(f"{self.name} must be a number, not {self._shown()}") from None
        if not value.is_finite() or value.adjusted() not in range(-_MAX_DIGITS, _MAX_DIGITS):
            raise self.error(f"{self.name} must be a finite number, not {self._shown()}")
        return value

    def boolean(self) -> bool:
        """true or false."""
        if self._tag() != "bool":
            raise self.error(f"{self.name} must be true or false, not {self._shown()}")
        return bool(self.node.value.lower() in ("true", "yes", "on"))

    def _pairs(self) -> Iterator[tuple[str, "Place"]]:
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"{self.name or 'a document'} must be a mapping, not {self._shown()}")
        for key, value in self.node.value:
            yield str(key.value), Place(self.file, _line(key), self._member(str(key.value)), value)

    def _member(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _tag(self) -> str:
        return str(self.node.tag).rpartition(":")[2] if self.is_scalar else ""

    def _shown(self) -> str:
        return repr(self.node.value) if self.is_scalar else _WORDS[type(self.node)]


def documents(path: Path, shown: str) -> list[Place]:
    """The YAML documents of a file; `shown` is the path that errors name. Raises UsageError if it is not YAML."""
    try:
        nodes = list(yaml.compose_all(path.read_text("utf-8"), Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{shown}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # a number or nesting without end
        raise UsageError(f"{shown}:1: not YAML text in UTF-8: {error}") from None
    return [Place(shown, _line(node), "", node) for node in nodes if node is not None]


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _hint(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"
