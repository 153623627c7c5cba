"""Ctrl-C and SIGTERM on the command line: heard at once, obeyed where it is safe."""

from __future__ import annotations

import signal
from types import FrameType

RETRY_S = 0.02
"""How soon an interrupt that came during an import is tried again."""


class Stop:
    """Hears Ctrl-C and SIGTERM, and remembers: a module that is being imported turns them into other errors."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # whoever started us may have asked for deaf ears
                signal.signal(number, self._hear)

    def _hear(self, _number: int, frame: FrameType | None) -> None:
        self.asked = True
        if not _is_importing(frame):
            raise KeyboardInterrupt
        # Native modules can crash when their import is interrupted (VTK's do): try again when it is over.
        signal.signal(signal.SIGALRM, self._hear)
        signal.setitimer(signal.ITIMER_REAL, RETRY_S)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
