"""MonitoredMap and what lets Prometheus read it: the production end of leakbench (article section 3.3).

Counting needs the standard library alone. MapCollector, ProcessCollector and serve need prometheus-client
and are loaded when they are first asked for.
"""

from typing import TYPE_CHECKING

from leakbench.monitor.errors import MonitorError
from leakbench.monitor.mapping import MonitoredMap
from leakbench.monitor.reading import Reading, mutations_per_second
from leakbench.monitor.registry import REGISTRY, Registry
from leakbench.monitor.watch import monitored

if TYPE_CHECKING:
    from leakbench.monitor.endpoint import serve as serve
    from leakbench.monitor.prometheus import MapCollector as MapCollector
    from leakbench.monitor.prometheus import ProcessCollector as ProcessCollector

__all__ = [  # without what is loaded on demand, which `import *` would ask for
    "REGISTRY",
    "MonitorError",
    "MonitoredMap",
    "Reading",
    "Registry",
    "monitored",
    "mutations_per_second",
]

_ON_DEMAND = {
    "MapCollector": "leakbench.monitor.prometheus",
    "ProcessCollector": "leakbench.monitor.prometheus",
    "serve": "leakbench.monitor.endpoint",
}


def __getattr__(name: str) -> object:
    """Load what needs prometheus-client on first use (PEP 562)."""
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(_ON_DEMAND[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise MonitorError(
            f"{name} needs prometheus-client: pip install 'leakbench[monitor]' or prometheus-client"
        ) from error
