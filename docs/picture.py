"""Renders docs/images/report.png, the README's picture: the session map's page as a browser shows it.

python docs/picture.py          measures session-map first, into a temporary folder
python docs/picture.py RUN      takes a run that is there
"""  # noqa: INP001  # a script, not part of a package

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parent / "images" / "report.png"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-sandbox",  # root has none, and the page is our own
)  # fmt: skip
_SIZE = "1400,1475"  # down to the end of the growth curves
_BROWSER_SECONDS = 60


def main(words: list[str]) -> None:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.exit(
            f"picture.py: no browser found ({', '.join(_BROWSERS)}); on Debian: apt-get install chromium"
        )
    with tempfile.TemporaryDirectory(prefix="leakbench-") as folder:
        run = Path(words[0]) if words else measure(Path(folder) / "run")
        page = run / "report" / "scenario-session-map.html"
        if not page.is_file():
            sys.exit(f"picture.py: {page} is missing; take a run of session-map that has a report")
        shoot(browser, page, Path(folder) / "profile")


def measure(run: Path) -> Path:
    command = [sys.executable, "-m", "leakbench", "run", "session-map", "--out", str(run)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit("picture.py: the run did not go as it should; no picture is taken of it")
    return run


def shoot(browser: str, page: Path, profile: Path) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    # Each call has a profile of its own: a browser of the person's that is open would take the job over.
    options = (f"--user-data-dir={profile}", f"--window-size={_SIZE}", f"--screenshot={PICTURE.resolve()}")
    subprocess.run(
        [browser, *_FLAGS, *options, page.resolve().as_uri()],
        check=True,
        stderr=subprocess.DEVNULL,
        timeout=_BROWSER_SECONDS,
    )
    sys.stdout.write(f"{PICTURE}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
