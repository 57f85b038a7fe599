"""HTML and SVG by function calls. Whatever is not markup already is escaped, so hostile text stays text."""

import json
from collections.abc import Iterable
from html import escape
from typing import Any

VOID = frozenset({"br", "input", "link", "meta"})


class Markup(str):
    """Text that may stand in a page as it is."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. `class_` gives class, `aria_label` aria-label; attributes that are None or False are left out."""
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{opening}>" if name in VOID else f"<{opening}>{join(children)}</{name}>")


def join(children: Iterable[object], separator: str = "") -> Markup:
    """Children one after the other; None is nothing."""
    return Markup(separator.join(_escaped(child) for child in children if child is not None))


def json_script(data: Any, **attributes: object) -> Markup:
    """Data for the page's script. `<` cannot occur in it, so no text can close the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return tag("script", Markup(text.replace("<", "\\u003c")), type="application/json", **attributes)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def _escaped(child: object) -> str:
    return child if isinstance(child, Markup) else escape(str(child), quote=False)
