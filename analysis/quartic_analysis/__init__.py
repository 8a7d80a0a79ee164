"""Reads and draws the traces of quartic. `load` is the only reader of trace.h5 in Python."""

from .study import Study, load_study
from .trace import Run, TraceError, load

__all__ = ["Run", "Study", "TraceError", "load", "load_study"]
