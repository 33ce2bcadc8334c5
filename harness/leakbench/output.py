"""Files that a person names: written whole or not at all, and refused before anything is measured."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def written_at_once(output: Path) -> Iterator[Path]:
    """Give a file beside `output` to write to, which takes its place in the end. Raises LeakbenchError."""
    part = output.with_name(f"{output.name}.part")
    try:
        if output.is_dir():
            raise LeakbenchError(f"{output} is a folder; name a file in it: {output / 'page.html'}")
        part.touch()
    except OSError as error:
        raise LeakbenchError(f"{output} cannot be written: {error.strerror}; choose another file") from error
    try:
        yield part
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
