"""The rule of conftest.py, tried on small test files: skips fail where CI is set, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPS = {
    "in the test": "import pytest\ndef test_it(): pytest.skip('no redis-server here')\n",
    "by a mark": "import pytest\n@pytest.mark.skip(reason='no redis-server here')\ndef test_it(): pass\n",
    "of the module": "import pytest\npytest.importorskip('no_such_module', reason='no redis-server here')\n",
}
PLATFORM = "import pytest\ndef test_it(): pytest.skip('platform: macOS has no /proc')\n"
XFAIL = "import pytest\n@pytest.mark.xfail(reason='no redis-server here')\ndef test_it(): assert False\n"


def run_pytest(folder: Path, test: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    """Run one test file under our conftest.py, with CI set to `ci`."""
    (folder / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (folder / "test_it.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(folder)],
        cwd=folder,
        env=os.environ | {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("test", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_with_its_reason_where_ci_is_set(tmp_path: Path, test: str) -> None:
    run = run_pytest(tmp_path, test, ci="true")
    assert run.returncode in (1, 2), run.stdout  # 2: the module could not be collected
    assert "nothing may be skipped. Skipped: no redis-server here" in run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("test", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_stays_a_skip_elsewhere(tmp_path: Path, test: str) -> None:
    run = run_pytest(tmp_path, test, ci="")
    assert run.returncode in (0, 5), run.stdout  # 5: no test is left
    assert "1 skipped" in run.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("test", "outcome"), [(PLATFORM, "1 skipped"), (XFAIL, "1 xfailed")])
def test_what_no_installation_mends_may_be_skipped_where_ci_is_set(
    tmp_path: Path, test: str, outcome: str
) -> None:
    run = run_pytest(tmp_path, test, ci="true")
    assert run.returncode == 0, run.stdout
    assert outcome in run.stdout
