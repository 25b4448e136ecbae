"""One way of writing: dashes, blanks, digits and letters that look alike become the plain ones before a search."""

from __future__ import annotations

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63"
_BLANKS = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F))
_PLAIN_WIDTH = "".join(chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F))
_OTHER_DIGITS = "".join(chr(start + digit) for start in (0x0660, 0x06F0, 0x0966) for digit in range(10))
_QUOTES = "\u2018\u2019\u02bc"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"

_FROM = _DASHES + _BLANKS + _FULL_WIDTH + _OTHER_DIGITS + _QUOTES
_TO = "-" * len(_DASHES) + " " * len(_BLANKS) + _PLAIN_WIDTH + "0123456789" * 3 + "'" * len(_QUOTES)
_TABLE = str.maketrans(_FROM, _TO, _INVISIBLE)


def folded(text: str) -> str:
    """Return a text in plain signs.

    Examples
    --------
    >>> folded("604\u2011555\u20130199"), folded("\uff14\uff11\uff16 a\uff20b"), folded("Ær\u00adø")
    ('604-555-0199', '416 a@b', 'Ærø')
    """
    return text if text.isascii() else text.translate(_TABLE)


def folded_sql(cell: str) -> str:
    """Return the SQL that does the same to a cell; what stands at the end without a counterpart is dropped."""
    written, plain = (text.replace("'", "''") for text in (_FROM + _INVISIBLE, _TO))
    return f"translate({cell}, '{written}', '{plain}')"


OTHER_SIGN = "[^\\x00-\\x7F]"
"""What a text must hold for folding to change it: without it, nothing needs to be folded."""
