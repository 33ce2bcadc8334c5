"""Markdown grows with each text that is converted, unless it is reset.

Mechanism: a converter keeps link references and raw HTML of what it has converted, so that several texts may
share them; ``reset()`` between texts is in its documentation. By design, in Markdown 3.11.3.

Who retains: ``Markdown.references``, and the stash of raw HTML.

Each step converts a text with one reference and one block of raw HTML. The rate rises with the length of the
numbers in them: from 320 B a call in the first thousands to 348 B in the sixties of thousands.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-markdown-reset", title="markdown: a converter that is never reset", quick_steps=16_384
)


def converter() -> "tuple[Callable[[int], object], Callable[[], object]]":
    """What converts the text of a number, and the converter's reset."""
    import markdown

    converter = markdown.Markdown(extensions=["footnotes"])
    text = "<div>raw {0}</div>\n\n[ref{0}]: http://x/{0}\n"
    return lambda i: converter.convert(text.format(i)), converter.reset


@SCENARIO.mitigation(
    "none", verdict="leak", packages=("markdown==3.11.3",), requires=("markdown",),
    holder="converter.references", summary="markdown 3.11.3: convert() alone",
)  # fmt: skip
def convert() -> "Callable[[int], object]":
    return converter()[0]


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=("markdown==3.11.3",), requires=("markdown",),
    summary="reset() after each text", cost="texts cannot share references",
)  # fmt: skip
def convert_and_reset() -> "Callable[[int], object]":
    convert, reset = converter()

    def step(i: int) -> None:
        convert(i)
        reset()

    return step
