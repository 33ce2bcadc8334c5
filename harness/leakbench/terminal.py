"""How leakbench looks on a terminal: one console, one table style, one mark a verdict."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leakbench.sketch import MARKS

_COLUMNS_ELSEWHERE = 160  # without a terminal: rich would fold a table into 80


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave the way out to the command line: a reader that has gone, as `head` does, is no failure."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Honours NO_COLOR, is plain where there is no terminal, and takes no text for markup.

    Names and messages may be anyone's; what is to be bold or red is a `Text`.
    """
    return _Console(
        stderr=stderr, highlight=False, soft_wrap=False, markup=False, emoji=False, width=_columns()
    )


def _columns() -> int | None:
    """None where there is a terminal, or COLUMNS, for rich to ask."""
    if "COLUMNS" in os.environ:
        return None
    for descriptor in (0, 1, 2):
        try:
            os.get_terminal_size(descriptor)
        except OSError:
            continue
        return None
    return _COLUMNS_ELSEWHERE


def table(*columns: str, title: str | None = None, **options: Any) -> Table:
    rows = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, **options)
    for column in columns:
        rows.add_column(column, header_style="dim", overflow="fold")
    return rows


def verdict_text(verdict: str) -> Text:
    mark, style = MARKS.get(verdict, ("!", "bold red"))
    return Text(f"{mark} {verdict}", style=style)


GOOD, BAD = Text("●", "green"), Text("▲", "bold red")
LESS = Text("▼", "green")


def alarm(word: str, said: str) -> Text:
    """A line that begins with a word in red; what is said is never taken for markup."""
    return Text.assemble((word, "bold red"), " ", said)
