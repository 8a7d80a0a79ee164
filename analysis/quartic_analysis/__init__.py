"""Reads and draws what quartic recorded. `load` is the only reader of trace.h5 in Python."""

from .trace import Run, TraceError, load

__all__ = ["Run", "TraceError", "load"]
