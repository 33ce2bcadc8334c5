"""The files of `leakbench history` as text: the service at its first commit, and what measures it."""

from __future__ import annotations

SERVICE = "deskservice/service.py"
REPORT = "deskservice/report.py"
README = "README.md"

FIRST = {
    README: "# deskservice\n\nA help desk: who is logged in, and a report of the day.\n",
    "pyproject.toml": """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "deskservice"
version = "1.0"

[tool.setuptools]
packages = ["deskservice"]
""",
    "deskservice/__init__.py": '"""A help desk."""\n',
    SERVICE: '''"""Who is logged in."""

TIMEOUT_STEPS = 512


class Session:
    def __init__(self, user):
        self.user = user
        self.notes = bytes(128)


class Desk:
    def __init__(self):
        self.logins = 0

    def login(self, user):
        self.logins += 1
        return Session(user)

    def logout(self, session):
        session.notes = None

    def greet(self, session):
        return "Hello, user %d" % session.user

    def tick(self, now):
        """Called once a step, with its number."""
''',
    REPORT: '''"""The report of the day."""

BUFFER_BYTES = 65_536
ROWS = 32


def row(day, number):
    return b"%08d;%08d;" % (day, number) + b"." * 2_030


def write(day, sink):
    """Write the report into `sink`, which takes bytes, by way of one buffer."""
    buffer = bytearray(BUFFER_BYTES)
    for number in range(ROWS):
        data = row(day, number)
        buffer[: len(data)] = data
        sink(memoryview(buffer)[: len(data)])
''',
}

WORKLOAD = '''"""What the service does all day: two cases of a scenario, for asv and `leakbench run` alike."""

from deskservice.report import write
from deskservice.service import Desk
from leakbench.contract import Scenario

STAYS_STEPS = 64


class Sessions:
    """Each step logs a user in and another out; one in eight just vanishes."""

    def __init__(self):
        self.desk = Desk()
        self.present = {}

    def step(self, i):
        session = self.desk.login(i)
        self.present[i] = session
        self.desk.greet(session)
        leaving = self.present.pop(i - STAYS_STEPS, None)
        if leaving is not None and leaving.user % 8:
            self.desk.logout(leaving)
        self.desk.tick(i)


class Reports:
    """Each step writes a day's report."""

    def step(self, i):
        write(i, len)


SCENARIO = Scenario(
    "deskservice", lambda make, run: make(), title="A help desk", steps={"quick": 4_096}, warmup=1_024
)


@SCENARIO.mitigation("sessions", verdict="bounded", summary="logins and logouts")
def sessions():
    return Sessions()


@SCENARIO.mitigation("reports", verdict="steady", summary="a report a step")
def reports():
    return Reports()
'''

BENCHMARKS = '''"""What asv tracks of the service: by leakbench, and the usual ways beside it."""

from pathlib import Path

from leakbench.tracking import Source, Tracked, measure, within

WORKLOAD = str(Path(__file__).with_name("workload.py"))
SOURCE = Source(packages=("deskservice",), scenarios=WORKLOAD)


class Service(Tracked):
    """The help desk."""

    version = "1"
    params = (("deskservice",), ("reports", "sessions"))

    @within(seconds=300)
    def setup_cache(self):
        return measure("deskservice", version=1, source=SOURCE)


class Usual:
    """asv's own memory benchmark and asv-bench-memray's, over as many steps."""

    version = "1"
    params = ("reports", "sessions")
    param_names = ("mitigation",)
    timeout = 300

    def setup(self, case):
        from benchmarks import workload

        self.step = getattr(workload, case)().step

    def run(self):
        for i in range(4_096):
            self.step(i)

    def peakmem_usual(self, case):
        self.run()

    def ray_usual(self, case):
        self.run()
'''
