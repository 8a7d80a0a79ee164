"""Waits until a child process ends, a signal arrives or a time has passed. Signals interrupt nothing else."""

from __future__ import annotations

import select
import signal
import socket
import time

AT_ONCE_SECONDS = 0.5  # a terminal that closes sends SIGHUP twice
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Wakeup:
    """Use it in a `with` block of the main thread. The previous signal handlers are restored at the end of the block."""

    def __init__(self):
        self.stops = 0
        """The number of requests to end, by Ctrl-C or a signal. Requests within AT_ONCE_SECONDS count once."""
        self.stopped = -AT_ONCE_SECONDS
        self.warned = False
        """Whether SIGUSR1 arrived: the time limit of the Slurm job is near."""

    def __enter__(self) -> Wakeup:
        self.read, self.write = socket.socketpair()
        self.read.setblocking(False)
        self.write.setblocking(False)
        # What is ignored stays so: nohup's hang-up, the Ctrl-C of a job in the background.
        caught = [number for number in (signal.SIGCHLD, signal.SIGUSR1, *STOPS)
                  if number == signal.SIGCHLD or signal.getsignal(number) != signal.SIG_IGN]
        self.descriptor = signal.set_wakeup_fd(self.write.fileno(), warn_on_full_buffer=False)
        self.handlers = {number: signal.signal(number, self.note) for number in caught}
        return self

    def __exit__(self, *error) -> None:
        signal.set_wakeup_fd(self.descriptor)
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        self.read.close()
        self.write.close()

    def note(self, number: int, frame) -> None:
        if number in STOPS and time.monotonic() - self.stopped >= AT_ONCE_SECONDS:
            self.stops += 1
            self.stopped = time.monotonic()
        self.warned |= number == signal.SIGUSR1

    def wait(self, seconds: float) -> None:
        select.select([self.read], [], [], seconds)
        try:
            self.read.recv(4096)
        except BlockingIOError:
            pass
