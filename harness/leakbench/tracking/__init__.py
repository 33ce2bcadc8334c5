"""What asv's benchmarks call: measure a scenario's cases once, then look each figure up.

The suite's own benchmarks take this folder from the work tree, through a link, and not from the commit that
is measured; so nothing else of leakbench is imported here, and the standard library is all it needs.
"""

from .asking import Source
from .benchmarks import Tracked, within
from .measuring import Measured, measure, measure_if_asked

__all__ = ["Measured", "Source", "Tracked", "measure", "measure_if_asked", "within"]
