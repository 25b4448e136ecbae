"""The first question of what tells of loaded data: whether it was given a Registry, and how to get one if not."""

from __future__ import annotations

from katoutcomes.errors import OptionError
from katoutcomes.registry.registry import Registry

_WAY = (
    "kat.read_registry(FOLDER) of the files of a clinic, or "
    'kat.read_registry({"patients": patients, "sessions": sessions, "scores": scores}) of data frames'
)


def require_registry(data: object) -> None:
    """Raise `OptionError` unless `data` is a `Registry`; the message says how to make one.

    Examples
    --------
    >>> require_registry({})
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: what tells of loaded data takes a Registry, not a dict: kat.read_registry(...
    """
    if not isinstance(data, Registry):
        raise OptionError(f"what tells of loaded data takes a Registry, not a {type(data).__name__}: {_WAY}.")
