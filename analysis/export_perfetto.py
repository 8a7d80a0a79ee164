"""Exports a run's events for a trace viewer: `export_perfetto.py RUN OUT.json`. Open OUT.json in ui.perfetto.dev or chrome://tracing.

RUN is the folder or the trace.h5 of a run with --trace-events.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quartic_analysis import TraceError, load
from quartic_analysis.perfetto import export

USER_MISTAKE = 2


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="export_perfetto.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder or trace.h5")
    parser.add_argument("out", type=Path, metavar="OUT.json", help="file to write")
    options = parser.parse_args(arguments)
    try:
        count = export(load(options.run, ("events",)), options.out)
    except TraceError as error:
        print(f"export_perfetto.py: {error}", file=sys.stderr)
        return USER_MISTAKE
    except OSError as error:
        print(f"export_perfetto.py: cannot write {options.out}: {error.strerror or error}", file=sys.stderr)
        return USER_MISTAKE
    print(f"{options.out}: {count} actions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
