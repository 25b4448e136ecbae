"""New keys for old ones: with a salt that only the clinic has, or by running numbers.

A key that comes from a hospital system means something outside of the data. It is replaced before anything else is done
with the rows. The salt is never stored, printed, logged or put into an error.

References
----------
HMAC: RFC 2104. SHA-256: FIPS 180-4.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import DataError, OptionError

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.readers.sources import TableSource

SHORTEST_SALT = 16
"""Characters or bytes; whoever can guess the salt can find the old key of each new one by trying."""
KEY_DIGITS = 16
"""Hexadecimal digits of a new key: 64 bits, so two of ten million keys meet with a chance of about 1 in 400,000."""
REKEYED_FORMATS: frozenset[str] = frozenset({"redcap", "fhir", "omop", "mirah"})
"""Formats whose keys come from a hospital system, so that they never stay."""

_LETTERS = {"patient_id": "P", "session_id": "S", "score_id": "Q", "event_id": "E"}


@dataclass(frozen=True, slots=True, eq=False)
class Salt:
    """A secret that new keys are made with; it shows in no text.

    Attributes
    ----------
    secret : bytes
        The salt itself.
    """

    secret: bytes = field(repr=False)


def make_salt(salt: bytes | str | None) -> Salt | None:
    """Check a salt.

    Parameters
    ----------
    salt : bytes, str or None
        At least 16 bytes or characters; None is no salt.

    Raises
    ------
    OptionError
        If it is too short or of another type. The message does not repeat it.

    Examples
    --------
    >>> make_salt("sixteen characters or more")
    Salt()
    """
    if salt is None:
        return None
    if not isinstance(salt, (bytes, str)):
        raise OptionError("rekey_salt must be bytes or text.")
    secret = salt.encode("utf-8") if isinstance(salt, str) else bytes(salt)
    if len(salt) < SHORTEST_SALT:
        raise OptionError(f"rekey_salt must have at least {SHORTEST_SALT} characters.")
    return Salt(secret)


def salted_key(salt: Salt, column: str, key: str) -> str:
    """Return the new key of an old one: HMAC-SHA256 of column and key, its first 16 hexadecimal digits.

    Examples
    --------
    >>> salted_key(Salt(b"an example, no secret"), "patient_id", "K01")
    'dc651640759383cb'
    """
    message = f"{column}\n{key}".encode()
    return hmac.digest(salt.secret, message, "sha256").hex()[:KEY_DIGITS]


def rekey(
    engine: Engine, tables: Sequence[TableSource], salt: Salt | None, *, is_required: bool = False
) -> tuple[tuple[str, str], ...]:
    """Replace every key in the staged tables; the same old key gets the same new one in all of them.

    Parameters
    ----------
    engine : Engine
        Holds ``text_<table>`` for each table.
    tables : sequence of TableSource
        What has been staged.
    salt : Salt or None
        With it, keys become `salted_key`; the same salt gives the same keys in every load.
    is_required : bool, default False
        Whether keys must not stay as they are. Without a salt they then become running numbers in the order of the
        old keys, which another load may number in another way.

    Returns
    -------
    tuple of (str, str)
        How it was done, for the provenance; empty if nothing was replaced.

    Raises
    ------
    DataError
        If two keys become one, which needs another salt.
    """
    if salt is None and not is_required:
        return ()
    columns = {name: tuple(table.schema.name for table in tables if name in table.names) for name in _LETTERS}
    for column, places in columns.items():
        if places:
            _materialize_keys(engine, column, places, _salted(salt, column) if salt is not None else _numbered(column))
    for table in tables:
        _replace_keys(engine, table.schema.name, tuple(name for name in _LETTERS if name in table.names))
    engine.drop(*(f"keys_{column}" for column in columns))
    how = "HMAC-SHA256 with a salt that is not kept" if salt is not None else "running numbers"
    return (("keys", how),)


def _salted(salt: Salt, column: str) -> Callable[[list[str]], list[str]]:
    return lambda keys: [salted_key(salt, column, key) for key in keys]


def _numbered(column: str) -> Callable[[list[str]], list[str]]:
    def number(keys: list[str]) -> list[str]:
        width = max(6, len(str(len(keys))))  # padded, so that the new keys sort as the old ones did
        return [f"{_LETTERS[column]}{place:0{width}d}" for place in range(1, len(keys) + 1)]

    return number


def _materialize_keys(
    engine: Engine, column: str, places: tuple[str, ...], new_keys: Callable[[list[str]], list[str]]
) -> None:
    import numpy as np

    union = " union ".join(f"select {column} as old_key from text_{name}" for name in places)
    old: list[Any] = engine.fetch(
        f"select distinct old_key from ({union}) as k where old_key is not null order by old_key"
    )["old_key"].tolist()
    new = new_keys(old)
    if len(set(new)) != len(old):
        raise DataError("rule rekeying: two keys became one; read the data with another salt.")
    arrays = {"old_key": np.array(old, dtype=object), "new_key": np.array(new, dtype=object)}
    engine.materialize_arrays(f"keys_{column}", arrays)


def _replace_keys(engine: Engine, table: str, columns: tuple[str, ...]) -> None:
    replaced = ", ".join(f"k{place}.new_key as {column}" for place, column in enumerate(columns))
    joins = " ".join(
        f"left join keys_{column} as k{place} on t.{column} = k{place}.old_key" for place, column in enumerate(columns)
    )
    engine.materialize(f"text_{table}", f"select t.* replace ({replaced}) from text_{table} as t {joins}")
