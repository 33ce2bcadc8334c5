"""Takes the reader's machine out of what a shared page says: folders and user names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakbench.frame import RunRecord

_PART = r"[^/\s'\"<>|:,;()]+"
_RULES = (
    (re.compile(rf"(?<![\w.:/~…])(?:/{_PART})*/(?:site|dist)-packages/"), ""),
    (re.compile(rf"(?<![\w.:/~…])(?:/{_PART})*/lib/python3\.\d+t?/"), ""),
    (re.compile(rf"(?<![\w.:/~…])(?:/home|/Users)/{_PART}"), "~"),
    (re.compile(r"(?<![\w.:/~…])/root(?=/|\b)"), "~"),
    (re.compile(rf"(?<![\w.:/~…])(?:/private)?/var/folders(?:/{_PART}){{1,3}}"), "TEMP"),
    (re.compile(r"(?<![\w.:/~…])(?:/var|/dev)?/(?:tmp|shm)(?=/)"), "TEMP"),
    (re.compile(r"\b[A-Za-z]:\\Users\\[^\\\s]+"), "~"),
    (re.compile(rf"(?<![\w.:/~…])(?:/{_PART})+/({_PART}/{_PART}\.\w+)"), r"…/\1"),
)


_LEFT_AS_IT_IS = ("source", "ladder")


def redact_text(text: str) -> str:
    """Shorten absolute paths to what says nothing about the machine: "cachetools/keys.py", "~/service.py"."""
    if "/" not in text and "\\" not in text:
        return text
    for pattern, shorter in _RULES:
        text = pattern.sub(shorter, text)
    return text


def redact_value(value: Any) -> Any:  # any JSON value, given back in its own shape
    """Redact every text in a JSON value; a scenario's source is left as its author wrote it.

    A ladder holds numbers alone and is most of a run: it is given back itself, not copied.
    """
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {key: each if key in _LEFT_AS_IT_IS else redact_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(each) for each in value]
    return value


def redact_run(record: RunRecord) -> RunRecord:
    """Give the record without folders of the machine that it was measured on."""
    return record._replace(
        environment=redact_value(dict(record.environment)),
        cases=tuple(map(redact_value, record.cases)),
        claims=tuple(map(redact_value, record.claims)),
        lines=tuple(map(redact_value, record.lines)),
        notes=tuple(map(redact_text, record.notes)),
    )
