"""The commits of `leakbench history`, as data: a small service whose map leaks, is mended, and leaks again.

Every commit but the first is a handful of replacements in the files of the one before. What each brings is
declared beside it, and written into the repository as truth.json.
"""

from __future__ import annotations

from typing import NamedTuple

from leakbench.planted_files import README, REPORT, SERVICE

SESSIONS, REPORTS = "deskservice:sessions", "deskservice:reports"
LEAK, PEAK = "leak", "peak"


class Brings(NamedTuple):
    """What a commit brings: `case` is the part of the service, `quantity` LEAK or PEAK."""

    case: str
    quantity: str
    outcome: str  # "worse" or "better"


class Edit(NamedTuple):
    """One replacement; `old` stands exactly once in the file."""

    path: str
    old: str
    new: str


class Planted(NamedTuple):
    """A commit. `branch` names a branch that ends here, on the regression before last."""

    subject: str
    edits: tuple[Edit, ...]
    brings: tuple[Brings, ...] = ()
    branch: str | None = None


def _readme(line: str) -> tuple[Edit, ...]:
    return (Edit(README, "a report of the day.", f"a report of the day. {line}"),)


COMMITS = (
    Planted("Say what the service is for", _readme("Small on purpose.")),
    Planted(
        "Count logouts",
        (
            Edit(SERVICE, "        self.logins = 0\n", "        self.logins = 0\n        self.logouts = 0\n"),
            Edit(
                SERVICE,
                "        session.notes = None",
                "        self.logouts += 1\n        session.notes = None",
            ),
        ),
    ),
    Planted(
        "Keep the sessions in a map, for the page that shows who is in",
        (
            Edit(
                SERVICE,
                "        self.logouts = 0\n",
                "        self.logouts = 0\n        self.sessions = {}\n",
            ),
            Edit(
                SERVICE,
                "        return Session(user)",
                "        session = self.sessions[user] = Session(user)\n        return session",
            ),
            Edit(SERVICE, "        session.notes = None\n", "        session.notes = b''\n"),
        ),
        (Brings(SESSIONS, LEAK, "worse"),),
    ),
    Planted("Explain the map", _readme("The map holds who is in."), branch="ends-on-the-map"),
    Planted(
        "Forget a session at logout",
        (
            Edit(
                SERVICE,
                "        session.notes = b''\n",
                "        session.notes = b''\n        self.sessions.pop(session.user, None)\n",
            ),
        ),
        (Brings(SESSIONS, LEAK, "better"),),  # the users who just vanish stay
    ),
    Planted("Mention logouts", _readme("Logouts count.")),
    Planted(
        "Forget the sessions of users who never logged out",
        (
            Edit(
                SERVICE,
                '        """Called once a step, with its number."""\n',
                '        """Called once a step, with its number."""\n'
                "        self.sessions.pop(now - TIMEOUT_STEPS, None)\n",
            ),
        ),
        # The map's own table and 512 steps' sessions: its peak can be told only now that nothing leaks.
        (Brings(SESSIONS, LEAK, "better"), Brings(SESSIONS, PEAK, "worse")),
    ),
    Planted(
        "Give the map a class of its own",
        (
            Edit(
                SERVICE,
                "class Desk:\n",
                "class Present:\n"
                '    """Who is in."""\n\n'
                "    def __init__(self):\n        self._by_user = {}\n\n"
                "    def add(self, session):\n        self._by_user[session.user] = session\n\n"
                "    def drop(self, user):\n        self._by_user.pop(user, None)\n\n\n"
                "class Desk:\n",
            ),
            Edit(SERVICE, "        self.sessions = {}\n", "        self.present = Present()\n"),
            Edit(
                SERVICE,
                "        session = self.sessions[user] = Session(user)\n",
                "        session = Session(user)\n        self.present.add(session)\n",
            ),
            Edit(
                SERVICE,
                "        self.sessions.pop(session.user, None)\n",
                "        self.present.drop(session.user)\n",
            ),
            Edit(
                SERVICE,
                "        self.sessions.pop(now - TIMEOUT_STEPS, None)\n",
                "        self.present.drop(now - TIMEOUT_STEPS)\n",
            ),
        ),
    ),
    Planted(
        "Format each greeting once",
        (
            Edit(SERVICE, '"""Who is logged in."""\n', '"""Who is logged in."""\n\nimport functools\n'),
            Edit(
                SERVICE,
                '        return "Hello, user %d" % session.user\n',
                "        return greeting(session.user)\n",
            ),
            Edit(
                SERVICE,
                "class Session:\n",
                "@functools.lru_cache(maxsize=None)\ndef greeting(user):\n"
                '    return "Hello, user %d" % user\n\n\nclass Session:\n',
            ),
        ),
        (Brings(SESSIONS, LEAK, "worse"),),
    ),
    Planted("Say that greetings are quick", _readme("Greetings are quick."), branch="ends-on-the-greetings"),
    Planted(
        "Keep the last greetings only, by a list that is searched",
        (
            Edit(SERVICE, "import functools\n\n", ""),
            Edit(
                SERVICE,
                "@functools.lru_cache(maxsize=None)\ndef greeting(user):\n"
                '    return "Hello, user %d" % user\n',
                "GREETINGS = [(None, None)] * 64\n\n\n"
                "def greeting(user):\n"
                "    for known, text in GREETINGS:\n"
                "        if known == user:\n"
                "            return text\n"
                '    GREETINGS[user % 64] = user, "Hello, user %d" % user\n'
                "    return GREETINGS[user % 64][1]\n",
            ),
        ),
        # 64 greetings of some 70 B stay; and every greeting is slower.
        (Brings(SESSIONS, LEAK, "better"), Brings(SESSIONS, PEAK, "worse")),
    ),
    Planted("Take the word quick back", (Edit(README, " Greetings are quick.", ""),)),
    Planted(
        "Gather the rows of the report before they are written",
        (
            Edit(
                REPORT,
                "    for number in range(ROWS):\n        data = row(day, number)\n",
                "    rows = [row(day, number) for number in range(ROWS)]\n    for data in rows:\n",
            ),
        ),
        (Brings(REPORTS, PEAK, "worse"),),
    ),
    Planted("Mention the report's rows", _readme("Rows are gathered."), branch="ends-on-the-rows"),
    Planted(
        "Write the report row by row again",
        (
            Edit(
                REPORT,
                "    rows = [row(day, number) for number in range(ROWS)]\n    for data in rows:\n",
                "    for number in range(ROWS):\n        data = row(day, number)\n",
            ),
        ),
        (Brings(REPORTS, PEAK, "better"),),
    ),
    Planted("Take the rows back out of the text", (Edit(README, " Rows are gathered.", ""),)),
    Planted(
        "Leave room for a header in the report's buffer",
        (Edit(REPORT, "BUFFER_BYTES = 65_536", "BUFFER_BYTES = 66_976"),),  # 1,440 B of 71,210: 2.02 %
        (Brings(REPORTS, PEAK, "worse"),),
    ),
    Planted("Mention the header", _readme("There is room for a header."), branch="ends-on-the-header"),
    Planted(
        "Write the header without a buffer",
        (Edit(REPORT, "BUFFER_BYTES = 66_976", "BUFFER_BYTES = 65_536"),),
        (Brings(REPORTS, PEAK, "better"),),
    ),
    Planted("Take the header back out of the text", (Edit(README, " There is room for a header.", ""),)),
    Planted(
        "Remember who came when",
        (
            Edit(SERVICE, '"""Who is logged in."""\n', '"""Who is logged in."""\n\nimport array\n'),
            Edit(
                SERVICE,
                "        self.logouts = 0\n",
                '        self.logouts = 0\n        self.trail = array.array("q")\n',
            ),
            Edit(
                SERVICE,
                "        self.logins += 1\n",
                "        self.logins += 1\n        self.trail.extend((user, self.logins))\n",
            ),
        ),
        (Brings(SESSIONS, LEAK, "worse"),),  # two numbers of 8 B a login, without objects: the smallest
    ),
    Planted("Mention the trail", _readme("There is a trail."), branch="ends-on-the-trail"),
    Planted(
        "Remember the last who came alone",
        (
            Edit(
                SERVICE,
                "        self.trail.extend((user, self.logins))\n",
                '        self.trail[:] = array.array("q", (user, self.logins))\n',
            ),
        ),
        (Brings(SESSIONS, LEAK, "better"),),
    ),
    Planted("Mention the last", _readme("The last who came is known.")),
)
