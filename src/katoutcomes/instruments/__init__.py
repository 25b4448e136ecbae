"""WHAT A SCORE MEANS: items, range, direction, thresholds and reliability, each number with its source."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument


class _CallableRoom(ModuleType):
    """Lets `katoutcomes.instruments()` work although this room has the same name as that function.

    Importing any module of the room makes Python store the room itself as `katoutcomes.instruments`, over the function.
    """

    def __call__(self) -> tuple[Instrument, ...]:
        from katoutcomes.instruments.catalog import instruments

        return instruments()


sys.modules[__name__].__class__ = _CallableRoom
