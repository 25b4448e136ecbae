"""Whether texts are names of persons: by how they are written, and by common given names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from katoutcomes.registry.identifiers.given_names import GIVEN_NAMES, NOT_OF_PERSONS

_UPPER, _LETTER = "A-ZÀ-ÖØ-ÞĀ-Ž", "A-Za-zÀ-ÖØ-öø-žА-я"
NAME_FORM = (
    rf"[{_UPPER}][{_LETTER}'’-]+,? ?([{_UPPER}][{_LETTER}.'’-]* ){{0,2}}[{_UPPER}][{_LETTER}'’-]+"  # in either order
    rf"|[{_UPPER}][.]? ?[{_UPPER}][{_LETTER}'’-]+|[{_UPPER}][{_LETTER}'’-]+,? [{_UPPER}][.]?"  # one as an initial
)
KEY_NAME_FORM = rf"{NAME_FORM}|[{_LETTER}]{{2,}}[ ._,;-]+[{_LETTER}]{{2,}}"
"""In a key, two words of letters alone are a name however they are written: study keys have digits."""
_EAST_ASIAN = "[\u4e00-\u9fff]{2,4}|[\uac00-\ud7a3]{2,4}"
LIKE_A_NAME = rf"{KEY_NAME_FORM}|{_EAST_ASIAN}|[{_LETTER}'’-]+([ ._,;]+[{_LETTER}.'’-]+){{0,4}}( ?[0-9]{{1,3}})?"
"""Any text that may be a name at all, however it is written."""

FEWEST_NAMES = 5
FEWEST_KNOWN_NAMES = 3
FEWEST_SINGLE_NAMES = 8
SHARE_OF_CELLS = 0.5
SHARE_OF_KNOWN_NAMES = 0.3
"""The list of given names knows about half of the people of most clinics, and next to none of the words of others."""

_WORD = re.compile(rf"[{_UPPER}]+(?![a-zà-öø-ž])|[{_LETTER}][a-zà-öø-žа-я]*")
_ANY_NAME = re.compile(LIKE_A_NAME)
_PLAIN = re.compile(NAME_FORM)
_PLAIN_KEY = re.compile(KEY_NAME_FORM)
_ASIAN = re.compile(_EAST_ASIAN)
_MOST_WORDS = 5
_SHORTEST_WORD = 2


_SINGLE = re.compile(rf"[{_UPPER}][a-zà-öø-ž'’-]{{2,}}")


def may_be_family_names(texts: Collection[str], n_patients: int) -> bool:
    """Return whether the different texts of a column are single capitalized words, about as many as patients.

    Family names alone look so, and so do code words; nobody can tell them apart.
    """
    n_words = sum(_SINGLE.fullmatch(text) is not None for text in texts)
    return n_words >= FEWEST_SINGLE_NAMES and n_words > SHARE_OF_CELLS * max(len(texts), n_patients)


def holds_given_name(text: str) -> bool:
    """Return whether a whole text is two to five words of which one is a common given name, however it is written.

    Examples
    --------
    >>> [holds_given_name(text) for text in ("Jean Tremblay", "tremblay_jean", "TREMBLAY, Jean", "TremblayJean")]
    [True, True, True, True]
    >>> [holds_given_name(text) for text in ("Victoria Clinic", "Jean", "mild pain", "Mary 12 weeks late")]
    [False, False, False, False]
    """
    return _is_known(_words(text))


def _is_known(words: tuple[str, ...]) -> bool:
    is_name = _SHORTEST_WORD <= len(words) <= _MOST_WORDS and any(len(word) > 1 for word in words)
    return is_name and not GIVEN_NAMES.isdisjoint(words) and NOT_OF_PERSONS.isdisjoint(words)


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case and without accents; none where it is no run of words."""
    if _ANY_NAME.fullmatch(text) is None:
        return ()
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return tuple(word.lower() for word in _WORD.findall(plain))


def are_names(texts: Collection[str], n_patients: int, *, is_key: bool = False) -> bool:
    """Return whether the different texts of a column are names of persons.

    Parameters
    ----------
    texts : collection of str
        The different texts.
    n_patients : int
        Patients of these rows; a column of names has about as many. Where it is not known, the number of rows.
    is_key : bool, default False
        Whether it is a key of the schema.
    """
    if not texts:
        return False
    words_of_texts = [_words(text) for text in texts]
    n_known = sum(_is_known(words) for words in words_of_texts)
    if n_known >= FEWEST_KNOWN_NAMES and n_known >= SHARE_OF_KNOWN_NAMES * len(texts):
        return True
    n_single = sum(len(words) == 1 and words[0] in GIVEN_NAMES for words in words_of_texts)
    if n_single >= FEWEST_SINGLE_NAMES and n_single > SHARE_OF_CELLS * len(texts):
        return True
    form = _PLAIN_KEY if is_key else _PLAIN
    n_names = sum(form.fullmatch(text) is not None or _ASIAN.fullmatch(text) is not None for text in texts)
    return n_names >= FEWEST_NAMES and n_names > SHARE_OF_CELLS * max(len(texts), n_patients)
