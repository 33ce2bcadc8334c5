"""`python -m leakbench`."""

import sys

from leakbench.cli import console

sys.exit(console())
