"""What is being done, on a terminal and only if it takes longer than a moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

PATIENCE_SECONDS = 1.0
"""Whatever is done by then needs no words."""


def terminal_progress() -> Callable[[str], None] | None:
    """Return a function that says on the standard error what is being done, None where that is no terminal.

    Nothing is said during the first second. The clock decides only whether a line is printed, never what is computed.
    """
    if not sys.stderr.isatty():
        return None
    start = time.monotonic()

    def say(what: str) -> None:
        if time.monotonic() - start >= PATIENCE_SECONDS:
            print(f"{what} …", file=sys.stderr, flush=True)

    return say
