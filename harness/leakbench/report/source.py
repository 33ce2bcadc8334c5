"""A mitigation's source as HTML, without the declaration, whose content the page says in words."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from itertools import groupby

from markupsafe import Markup
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

_COLOURED = (
    (Comment, "c"), (String, "s"), (Number, "m"), (Keyword, "k"), (Operator.Word, "k"),
    (Name.Decorator, "d"), (Name.Function, "f"), (Name.Class, "f"),
)  # fmt: skip
_DECLARATION = re.compile(
    r"\A(?:@scenario\.mitigation\(.*?\)\n(?=@|def |async def |class ))+", re.DOTALL | re.IGNORECASE
)


@cache
def highlight(source: str) -> Markup:
    """Give source as HTML; names and punctuation have no colour and no element, neighbours of one share one.

    pygments' own HTML formatter writes three times as much for the same picture.
    """
    parts = []
    # A function within another is indented, and its declaration with it.
    tokens = PythonLexer().get_tokens(_DECLARATION.sub("", textwrap.dedent(source)))
    for css, run in groupby(tokens, key=lambda token: _css(token[0])):
        text = "".join(text for _, text in run).replace("&", "&amp;").replace("<", "&lt;")
        parts.append(f'<span class="{css}">{text}</span>' if css else text)
    return Markup('<pre class="code source" tabindex="0">{}</pre>').format(Markup("".join(parts)))  # noqa: S704  # escaped above


@cache  # of some sixty kinds, asked for each of a large report's 60,000 tokens
def _css(kind: _TokenType) -> str:
    return next((css for group, css in _COLOURED if group is kind or group in kind.split()), "")
