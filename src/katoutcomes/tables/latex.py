"""A table as LaTeX: a float with booktabs rules, its notes below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.tables.table import Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\u2212": "$-$",
    "\u2013": "--",
    "\u00a0": "~",
    "∞": r"$\infty$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "×": r"$\times$",
    "√": r"$\surd$",
    "²": r"$^2$",
    "α": r"$\alpha$",
    "±": r"$\pm$",
}


def escaped(text: str) -> str:
    r"""Return text that LaTeX sets as it is.

    Examples
    --------
    >>> print(escaped("<11: 50% of A & B_1"))
    \textless{}11: 50\% of A \& B\_1
    """
    return "".join(_ESCAPES.get(letter, letter) for letter in " ".join(text.split()))


def latex(table: Table) -> str:
    r"""Return the table as a ``table`` environment; the document needs ``\usepackage{booktabs}``.

    Parameters
    ----------
    table : Table
        Caption, question, cells, headings of row groups and notes are all set; the label is ``tab:`` and its name.
    """
    n_columns = len(table.columns)
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        *([rf"{{\small {escaped(table.question)}\par}}"] if table.question else []),
        rf"\begin{{tabular}}{{l{'r' * (n_columns - 1)}}}",
        r"\toprule",
        _row(table.columns),
        r"\midrule",
    ]
    for number, (heading, rows) in enumerate(table.groups()):
        if heading:
            lines += [r"\addlinespace"] if number else []
            lines.append(rf"\multicolumn{{{n_columns}}}{{l}}{{\textit{{{escaped(heading)}}}}} \\")
        lines += [_row(row) for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {escaped(note)}" for note in table.footnotes]
    return "\n".join([*lines, r"\end{table}", ""])


def _row(cells: tuple[str, ...]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"
