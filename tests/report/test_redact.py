"""Pages are for sharing: no folder, no user's name."""

from __future__ import annotations

import pytest
from leakbench.report.redact import redact_text, redact_value


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("/home/ada/service.py:12", "~/service.py:12"),
        ("/root/.cache/x", "~/.cache/x"),
        ("/Users/ada/work", "~/work"),
        (r"C:\Users\ada\x.py", r"~\x.py"),
        ("/opt/venv/lib/python3.11/site-packages/cachetools/keys.py", "cachetools/keys.py"),
        ("/usr/lib/python3.12/threading.py", "threading.py"),
        ("in /srv/app/shop/service.py line 3", "in …/shop/service.py line 3"),
        ("wrote /tmp/pytest-1/out.json", "wrote TEMP/pytest-1/out.json"),
        ("https://example.org/a/b/c.html", "https://example.org/a/b/c.html"),
        ("679k op/s, 1/2/4 threads", "679k op/s, 1/2/4 threads"),
    ],
)
def test_a_path_loses_what_says_where_it_was(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact_text("at /srv/app/shop/service.py and /home/ada/x.py")
    assert redact_text(once) == once


def test_every_text_of_a_value_is_redacted_but_the_source() -> None:
    value = {"stack": [["put", "/home/ada/a.py", 3]], "source": "open('/home/ada/x')", "n": 1}
    assert redact_value(value) == {"stack": [["put", "~/a.py", 3]], "source": "open('/home/ada/x')", "n": 1}
