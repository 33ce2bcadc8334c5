"""asv plugin: a dashboard that opens offline, and beside it a page of commits with their reports.

And set-ups of leakbench's own catalogue that are measured together (`asv_together`).

Named in asv.conf.json as ".leakbench.asv_plugin": without the dot asv looks among its own plugins alone, and
says nothing when it finds none. Found by asv because it subclasses OutputPublisher.
"""

from __future__ import annotations

import re
import shutil
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asv.commands import run
from asv.console import log
from asv.publishing import OutputPublisher

from leakbench import asv_history, judge_history
from leakbench.asv_grid import show_greatest
from leakbench.asv_reports import report_of
from leakbench.asv_together import announcing
from leakbench.commands.compare_commits import figure, whole
from leakbench.errors import LeakbenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = "commits.html"
LIBRARIES = "libraries"
_SHIMS = "asv_shims.js"
_HASH_SHOWN = 8

VENDORED = {
    "code.jquery.com": ("js.jquery", "js/jquery/resources/jquery-3.3.1.min.js"),
    "jquery.flot.min.js": ("js.jquery-flot", "js/jquery_flot/resources/jquery.flot.min.js"),
    "jquery.flot.time.min.js": ("js.jquery-flot", "js/jquery_flot/resources/jquery.flot.time.min.js"),
    "jquery.flot.selection.min.js": (
        "js.jquery-flot",
        "js/jquery_flot/resources/jquery.flot.selection.min.js",
    ),
    "jquery.flot.categories.min.js": (
        "js.jquery-flot",
        "js/jquery_flot/resources/jquery.flot.categories.min.js",
    ),
    "bootstrap.min.js": ("js.bootstrap", "js/bootstrap/resources/js/bootstrap.min.js"),
    "bootstrap.min.css": ("js.bootstrap", "js/bootstrap/resources/css/bootstrap.min.css"),
}
"""What asv would load from elsewhere, by a part of its address: package and file. All MIT."""
SHIMMED = ("stupidtable.min.js", "md5.min.js")
"""What no package carries: asv_shims.js does what asv needs of them."""
LEFT_OUT = ("jquery.flot.orderBars.js",)
"""Sets the bars of several environments side by side; without it they overlap."""
_REMOTE = re.compile(r'[ \t]*<(?:script|link)\b[^>]*\b(?:src|href)="(https?://[^"]+)"[^>]*>(?:</script>)?\n?')


class DashboardError(LeakbenchError):
    """A library is not installed, or asv's page asks for one that is not known here."""


def setup() -> None:
    """Called by asv as it loads this plugin."""
    run.run_benchmarks = announcing(run.run_benchmarks)


class Commits(OutputPublisher):  # type: ignore[misc]  # asv has no type hints
    """Runs last: what it changes has been written by then."""

    name = "commits"
    button_label = "Commits"
    description = "What each commit brought and mended"

    @classmethod
    def publish(cls, conf: Any, *_: Any) -> None:
        """Called by asv once all other pages are written."""
        target = Path(conf.html_dir)
        take_in(target)
        show_greatest(target)
        try:
            series = whole(asv_history.read(Path()))
        except LeakbenchError as error:
            log.warning(f"{PAGE}: {error}")
            series = []
        reports = _reports(series, target)
        (target / PAGE).write_text(page(conf.project, series, reports), encoding="utf-8")


def take_in(target: Path) -> None:
    """Put the libraries beside a published dashboard, and let its page load those. Raises DashboardError."""
    folder = target / LIBRARIES
    folder.mkdir(exist_ok=True)

    def local(found: re.Match[str]) -> str:
        return _tag(found[1], folder)

    index = target / "index.html"
    text = _REMOTE.sub(local, index.read_text(encoding="utf-8"))
    text = text.replace("<head>", '<head>\n    <meta name="referrer" content="no-referrer">', 1)
    commits = f'<li id="nav-li-commits"><a href="{PAGE}">Commits</a></li>\n'
    text = text.replace('<li id="nav-li-graphdisplay">', commits + '<li id="nav-li-graphdisplay">', 1)
    index.write_text(text, encoding="utf-8")


def _tag(address: str, folder: Path) -> str:
    """The tag that stands for one of asv's remote ones; a library's licence goes beside it."""
    if any(part in address for part in LEFT_OUT):
        return ""
    if any(part in address for part in SHIMMED):
        shims = resources.files("leakbench.report").joinpath("assets", _SHIMS)
        (folder / _SHIMS).write_text(shims.read_text(encoding="utf-8"), encoding="utf-8")
        first = SHIMMED[0] in address
        return f'    <script src="{LIBRARIES}/{_SHIMS}"></script>\n' if first else ""
    for part, (package, file) in VENDORED.items():
        if part in address:
            source = _located(package, file)
            shutil.copyfile(source, folder / source.name)
            _note_licence(package, folder)
            if source.suffix == ".css":
                return f'    <link rel="stylesheet" href="{LIBRARIES}/{source.name}">\n'
            return f'    <script src="{LIBRARIES}/{source.name}"></script>\n'
    raise DashboardError(f"asv's page loads {address}, which nothing here stands for; is this asv 0.6.6?")


def _located(package: str, file: str) -> Path:
    try:
        source = Path(str(metadata.distribution(package).locate_file(file)))
    except metadata.PackageNotFoundError:
        raise DashboardError(f"{package} is not installed; `python -m pip install {package}`") from None
    if not source.exists():
        raise DashboardError(
            f"{package} {metadata.version(package)} has no {file}; install what the lock pins"
        )
    return source


def _note_licence(package: str, folder: Path) -> None:
    author = metadata.metadata(package)["Author"]
    said = f"{package} {metadata.version(package)}, packaged by {author}: the library inside is under the MIT"
    said += " licence, its copyright stands at the top of its file.\n"
    notes = folder / "LICENCES.txt"
    known = notes.read_text(encoding="utf-8") if notes.exists() else ""
    if said not in known:
        notes.write_text(known + said, encoding="utf-8")


def _reports(series: list[asv_history.Series], target: Path) -> dict[tuple[str, str], str]:
    """Copy what reports there are below the dashboard; by (environment, hash), relative to it."""
    links = {}
    for one in series:
        for commit in one.commits:
            if not commit.figures:
                continue
            written = report_of(Path(".asv"), commit.hash, one.environment, say=log.info)
            if written is None:
                continue
            there = target / "reports" / written.name
            shutil.copytree(written, there, ignore=shutil.ignore_patterns("captures"), dirs_exist_ok=True)
            links[one.environment, commit.hash] = f"reports/{written.name}/report/index.html"
    return links


def page(project: str, series: list[asv_history.Series], reports: dict[tuple[str, str], str]) -> str:
    """The text of commits.html."""
    from leakbench.report.pages import bare_environment

    assets = resources.files("leakbench.report").joinpath("assets")
    style = "\n".join(
        assets.joinpath(name).read_text(encoding="utf-8") for name in ("chart.css", "report.css")
    )
    shown = [
        _shown(one, {commit: page for (place, commit), page in reports.items() if place == one.environment})
        for one in series
    ]
    template = bare_environment().get_template("asv_commits.html.j2")
    return template.render(project=project, series=shown, style=style)


def _shown(one: asv_history.Series, reports: Mapping[str, str]) -> dict[str, Any]:
    """A series as the page draws it, newest first."""
    findings = [
        {
            "commit": _range(finding),
            "said": finding.said,
            "outcome": finding.outcome,
            "case": finding.case,
            "quantity": finding.quantity,
            "before": figure(finding.quantity, finding.before),
            "after": figure(finding.quantity, finding.after),
            "subject": finding.subject,
        }
        for finding in reversed(judge_history.judge(one.commits))
    ]
    commits = [
        {"name": commit.hash[:_HASH_SHOWN], "subject": commit.subject, "report": reports.get(commit.hash)}
        for commit in reversed(one.commits)
        if commit.figures
    ]
    return {
        "title": one.place,
        "subtitle": one.told,
        "environment": one.environment,
        "findings": findings,
        "commits": commits,
    }


def _range(finding: judge_history.Finding) -> str:
    name = finding.commit.hash[:_HASH_SHOWN]
    return name if finding.since is None else f"{finding.since.hash[:_HASH_SHOWN]}..{name}"
