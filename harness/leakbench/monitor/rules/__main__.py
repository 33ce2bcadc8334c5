"""``python -m leakbench.monitor.rules FOLDER [--stretch FACTOR]``: write the rule files for Prometheus."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from leakbench.monitor.rules import write_rules


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m leakbench.monitor.rules", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="an existing folder, named in prometheus.yml under rule_files"
    )
    parser.add_argument(
        "--stretch", type=float, default=1.0, metavar="FACTOR", help="multiply every duration"
    )
    asked = parser.parse_args(arguments)
    try:
        written = write_rules(asked.folder, asked.stretch)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    sys.stdout.writelines(f"{path}\n" for path in written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
