"""A pydantic error that a function keeps in a variable and raises later is never freed.

Mechanism: the ValidationError lives in Rust and holds the ValueError of the validator; that holds its
traceback, that the frames, and the frame's variable holds the ValidationError. The collector cannot look into
the Rust part of this cycle. Open in pydantic 2.14.3.

Who retains: the cycle itself. Met in dapper91/pydantic-xml#222.

Each step validates input that a validator refuses, keeps the error in a variable, and raises it from there.
"""

import contextlib

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SCENARIO = published(
    "wild-pydantic-raised-error", title="pydantic: an error kept in a variable and raised is never freed"
)


def firm() -> "Any":
    """A model whose only field is always refused."""
    from pydantic import BaseModel, field_validator

    class Firm(BaseModel):
        code: str

        @field_validator("code")
        @classmethod
        def short(cls, _value: str) -> str:
            raise ValueError("too long")

    return Firm


def caught(attempt: "Callable[[int], None]") -> "Callable[[int], None]":
    def step(i: int) -> None:
        with contextlib.suppress(ValueError):  # a ValidationError is one
            attempt(i)

    return step


@SCENARIO.mitigation(
    "none", verdict="leak", packages=("pydantic==2.14.3",), requires=("pydantic",), holder="native",
    summary="pydantic 2.14.3: the variable closes a cycle through Rust",
)  # fmt: skip
def keep_and_raise() -> "Callable[[int], None]":
    validate = firm().model_validate

    def attempt(i: int) -> None:
        kept = None
        try:
            validate({"code": f"c{i}"})
        except ValueError as error:
            kept = error
        raise kept

    return caught(attempt)


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=("pydantic==2.14.3",), requires=("pydantic",),
    summary="the variable is deleted on the way out, as `except … as` does it",
    cost="one line, to be thought of",
)  # fmt: skip
def raise_and_delete() -> "Callable[[int], None]":
    validate = firm().model_validate

    def attempt(i: int) -> None:
        kept = None
        try:
            validate({"code": f"c{i}"})
        except ValueError as error:
            kept = error
        try:
            raise kept
        finally:
            del kept

    return caught(attempt)
