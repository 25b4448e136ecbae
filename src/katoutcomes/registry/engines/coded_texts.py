"""Columns of few different texts: as numbers with the texts that they stand for, and as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class CodedTexts:
    """A column of few different texts.

    Attributes
    ----------
    codes : ndarray of int
        Position in `values`; -1 where the text is not known.
    values : tuple of str
        The texts that may occur.
    """

    codes: NDArray[np.integer[Any]]
    values: tuple[str, ...]

    def texts(self) -> NDArray[Any]:
        """Return the texts themselves; unknown ones are masked."""
        import numpy as np

        texts: NDArray[Any] = np.array([*self.values, None], dtype=object)[self.codes]
        unknown = self.codes < 0
        return np.ma.masked_array(texts, unknown) if unknown.any() else texts


def coded_texts(codes: NDArray[Any], kind: Any) -> CodedTexts:
    """Return the codes of an enumeration, masked where the text is not known, with the texts they stand for."""
    import numpy as np

    known = np.ma.getdata(codes).astype(np.int32)
    known[np.ma.getmaskarray(codes)] = -1
    return CodedTexts(known, tuple(dict(kind.children)["values"]))


def texts_of_enumeration(cells: Any) -> NDArray[Any]:
    """Return what the client makes of an enumeration, texts and NaN or a categorical, as it makes other texts."""
    import numpy as np

    texts: NDArray[Any] = np.array(cells, dtype=object)
    unknown = np.asarray(texts != texts, dtype=np.bool_)  # noqa: PLR0124 - only NaN is not itself
    texts[unknown] = None
    return np.ma.masked_array(texts, unknown) if unknown.any() else texts
