"""asv plugin: a repository's benchmarks use the leakbench that asv itself runs beside.

For repositories other than leakbench's own: there every commit is to be measured by one and the same
leakbench, and the environments that asv builds need not hold it. asv drops PYTHONPATH, takes ASV_PYTHONPATH
in its place, and 0.6.6 then takes it out of sys.path again: REJOIN puts it back.
"""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from leakbench.launch import package_folder

REJOIN = '''"""asv takes PYTHONPATH out of sys.path; leakbench's plugin has named there where leakbench is."""

import os
import sys

sys.path += os.environ.get("PYTHONPATH", "").split(os.pathsep)
'''
"""What benchmarks/__init__.py must hold."""


def setup() -> None:
    """Called by asv, which has gone to the folder of its configuration by now."""
    folder = Path(".asv", "beside").resolve()
    offer(folder)
    os.environ["ASV_PYTHONPATH"] = str(folder)


def offer(folder: Path) -> None:
    """Make a folder with two links: leakbench, and what is known of its installation."""
    folder.mkdir(parents=True, exist_ok=True)
    known = Path(str(metadata.distribution("leakbench").locate_file(""))).glob("leakbench-*.dist-info")
    for source in (Path(package_folder(), "leakbench"), *known):
        link = folder / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(source, target_is_directory=True)
