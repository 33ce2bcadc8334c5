"""Wheels made by hand, and pip told to look nowhere else for them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from leakbench.wheelhouse import CACHE_VARIABLE, Wheels

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Shop(NamedTuple):
    """A folder of wheels, a folder of locks, and a cache of its own."""

    wheels: Path
    locks: Path
    cache: Path

    def make(self, name: str, version: str, source: str) -> str:
        """Put a wheel of one module on the shelf; returns the line that pins it by hash."""
        requirement = f"{name}=={version}"
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        about = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": source,
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{file},{_digest(text)},{len(text.encode())}\n" for file, text in files.items())
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
                wheel.writestr(file, text)
        return f"{requirement} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def lock(self, *requirements: str, text: str) -> Wheels:
        """Write a lock and give what it pins."""
        path = self.locks / f"{'+'.join(requirements)}.txt"
        path.write_text(text, encoding="utf-8")
        return Wheels(requirements, path)


def open_shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Open a shop in a folder; pip, and the cache, know of it alone from now on."""
    shop = Shop(folder / "wheels", folder / "locks", folder / "cache")
    for each in shop:
        each.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop.wheels))
    monkeypatch.setenv(CACHE_VARIABLE, str(shop.cache))
    return shop


def _digest(text: str) -> str:
    """A file's hash as a wheel's RECORD has it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"
