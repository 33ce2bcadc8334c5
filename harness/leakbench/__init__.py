"""leakbench: memory leaks in long-lived Python maps and caches, measured and mended.

Importing the package imports nothing else: a measured child comes in through it, and what it loads
counts as the workload's memory. The public names below are loaded when they are first asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from leakbench.contract import Mitigation as Mitigation
    from leakbench.contract import Scenario as Scenario
    from leakbench.scripting import check as check

_PUBLIC = {
    "check": "leakbench.scripting",
    "Scenario": "leakbench.contract",
    "Mitigation": "leakbench.contract",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("leakbench")
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'leakbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC, "__version__"]
