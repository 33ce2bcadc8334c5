"""Draws who holds what grows: the path from a root to the container, as it was found on the live heap."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from leakbench.holder_names import UNNAMED
from leakbench.report import units, view

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BOXES = 12
_PILED = "no growing container: "  # as child/strays.py begins that link


def draw(found: Mapping[str, Any]) -> Markup:
    """Draw a holder's record ("chain" or "path", "type", "entries") as boxes, the last of which grows."""
    links, grows = _links(found)
    boxes = Markup().join(Markup("<li><span>{}</span></li>").format(each) for each in links)
    return Markup(
        '<ol class="path" aria-label="Who holds it, from the root">{}'
        '<li><span class="grows">{}</span></li></ol>'
    ).format(boxes, grows)


def name(found: Mapping[str, Any]) -> Markup:
    """Give what holds it, as Python would write it; a holder without a path says what it is."""
    if found.get("path"):
        return Markup("<code>{}</code>").format(_short(found["path"]))
    return escape(UNNAMED.get(str(found.get("type")), "an unknown root"))


def _links(found: Mapping[str, Any]) -> tuple[list[str], str]:
    """Give the path's links, repeated ones drawn together, and what grows at its end.

    That is the container, or where none grows (a linked list) the objects that pile up, as the chain says.
    """
    chain = [str(link) for link in found.get("chain") or [found.get("path") or "an unknown root"]]
    piled = next((link for link in chain if link.startswith(_PILED)), None)
    if piled is not None:
        chain.remove(piled)
    elif len(chain) > 1 and _is_container(chain[-1], str(found.get("type"))):
        chain.pop()
    runs = [(link, len(list(run))) for link, run in groupby(chain)]
    links = [f"{link} ×{n}" if n > 1 else link for link, n in runs]
    if len(links) > _MOST_BOXES:
        half = _MOST_BOXES // 2
        links = [*links[:half], f"… {len(links) - 2 * half} more …", *links[-half:]]
    return [_short(link) for link in links], _short(piled[len(_PILED) :]) if piled else _container(found)


def _is_container(link: str, kind: str) -> bool:
    """Whether a chain's last link is the container's own type, which its box says in full."""
    return kind.rpartition(".")[2] == link or (kind, link) == ("functools.lru_cache", "_lru_cache_wrapper")


def _container(found: Mapping[str, Any]) -> str:
    parts = [_short(found.get("type") or "?")]
    if isinstance(found.get("entries"), int):
        parts.append(f"{units.show(found['entries'], '')} entr{'y' if found['entries'] == 1 else 'ies'}")
    if isinstance(found.get("bound"), int):
        parts.append(f"bound {units.show(found['bound'], '')}")
    return ", ".join(parts)


def _short(text: object) -> str:
    return view.clip(text, view.NAME_CHARACTERS)
