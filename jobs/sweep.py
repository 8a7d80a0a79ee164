#!/usr/bin/env python3
"""Runs a study: all its runs, each in a folder of its own, here or as a job array of Slurm.

  jobs/sweep.py jobs/studies/delay.toml --dry-run     what would run, and how long
  jobs/sweep.py jobs/studies/delay.toml --local       run it here; again: go on
  jobs/sweep.py jobs/studies/delay.toml --status      what is done, and what failed and why

Exit code 0: every run is complete, or was submitted; 1: some are not; 2: a mistake to put right, one line on stderr.
"""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write("sweep: needs Python 3.11 or newer; this is " + sys.version.split()[0] + "\n")
    sys.exit(2)

from sweeping.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
