#!/usr/bin/env python3
"""Runs all runs of a study, each in its own folder, on this machine or as a Slurm job array.

  jobs/sweep.py jobs/studies/delay.toml --dry-run     print the commands and the estimated time
  jobs/sweep.py jobs/studies/delay.toml --local       run the study here; repeat to continue
  jobs/sweep.py jobs/studies/delay.toml --status      print the state of the runs and the reasons of failures

Exit codes:
  0  every run is complete or was submitted
  1  some runs are not complete
  2  invalid study, machine or command line; one line on stderr says what is wrong
"""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write("sweep: needs Python 3.11 or newer; this is " + sys.version.split()[0] + "\n")
    sys.exit(2)

from sweeping.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
