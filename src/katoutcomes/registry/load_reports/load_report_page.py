"""The load report as one self-contained page: what was read, what was rejected, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.advice import advice

if TYPE_CHECKING:
    from katoutcomes.registry.identifiers import Finding
    from katoutcomes.registry.load_reports.load_report import LoadReport, PrivacyWarning, Problem, QualityWarning

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1b1b; background: #ffffff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
p.verdict { font-weight: 600; padding: .6rem .9rem; border-left: .4rem solid; }
p.good { border-color: #1b6e3c; } p.caution { border-color: #8a5a00; } p.refused { border-color: #a3191f; }
div.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .3rem 0; color: #4a4a4a; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #b9b9b9; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead th { border-bottom: 2px solid #5a5a5a; } code { font-family: ui-monospace, monospace; font-size: .92em; }
ul { padding-left: 1.2rem; margin: .2rem 0; } td ul { color: #4a4a4a; }
@media (prefers-color-scheme: dark) {
  body { color: #ececec; background: #16181b; } caption, td ul { color: #bdbdbd; } th, td { border-color: #4d5156; } }
@media print { body { margin: 0; max-width: none; } }
"""
_NUMBERS = frozenset({"rows in", "accepted", "rejected", "left out", "rows"})


def load_report_page(report: LoadReport) -> str:
    """Return the page as text. Nothing is fetched from anywhere, and nothing on it is a value of the data.

    Parameters
    ----------
    report : LoadReport
        What was taken and what was not.
    """
    sections = (
        _refusal(report),
        _files(report),
        _problems("What was rejected, and what to do", report.problems, "rejected"),
        _problems("What was left out", report.left_out_rows, "left out"),
        _warnings(report),
        _left_out_columns(report),
        _listed("Allowed although the privacy gate would refuse it", report.overrides),
        _listed("Notes", report.notes),
    )
    title = "Load report"
    mapping = f"<p>Mapping file: SHA-256 <code>{escape(report.mapping_digest)}</code></p>" * bool(report.mapping_digest)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{_verdict(report)}\n{mapping}"
        + "\n".join(section for section in sections if section)
        + "\n<p>This page names files, columns, rules and row numbers, never a value. The first data row is row 1, "
        "which a spreadsheet shows as line 2.</p>\n</main>\n</body>\n</html>\n"
    )


def _verdict(report: LoadReport) -> str:
    rejected = sum(file.rows_rejected for file in report.source_files)
    total = sum(file.rows_in for file in report.source_files)
    if report.findings:
        look, text = "refused", "Nothing was loaded: the data may identify a person directly."
    elif report.faults:
        look, text = "refused", "Nothing was loaded: the files cannot be read as tables."
    elif rejected:
        look, text = "caution", f"{rejected:,} of {total:,} rows {'was' if rejected == 1 else 'were'} rejected."
    else:
        look, text = "good", f"All {total:,} rows were accepted or left out on purpose."
    return f'<p class="verdict {look}">{text}</p>'


def _refusal(report: LoadReport) -> str:
    blocks = []
    if report.findings:
        rows = [_finding_row(finding) for finding in report.findings]
        blocks.append(
            "<h2>What may identify a person</h2>\n<p>Remove these columns or values where the files are made, then "
            "read again. Passing this gate does not make data de-identified: no program can certify that.</p>\n"
            + _table("evidence of direct identifiers", ("file", "column", "rule", "rows", "what to do"), rows)
        )
    if report.faults:
        listed = "".join(f"<li>{escape(fault)}</li>" for fault in report.faults)
        blocks.append(f"<h2>What is wrong with the files</h2>\n<ul>{listed}</ul>")
    return "\n".join(blocks)


def _finding_row(finding: Finding) -> tuple[str, ...]:
    n_rows = "" if finding.n_rows is None else f"{finding.n_rows:,}"
    return (finding.file, finding.column, finding.rule, n_rows, advice(finding.rule))


def _files(report: LoadReport) -> str:
    rows = [
        (
            file.file,
            f"{file.rows_in:,}",
            f"{file.rows_accepted:,}",
            f"{file.rows_rejected:,}",
            f"{file.rows_left_out:,}",
        )
        for file in report.source_files
    ]
    if not rows:
        return ""
    header = ("file", "rows in", "accepted", "rejected", "left out")
    return "<h2>What was read</h2>\n" + _table("rows in = accepted + rejected + left out", header, rows)


def _problems(title: str, problems: Sequence[Problem], word: str) -> str:
    if not problems:
        return ""
    rows = [
        (
            problem.file,
            problem.column,
            problem.rule,
            f"{problem.n_rows:,}",
            _which(problem.row_numbers, problem.n_rows),
            problem.description,
            "\n".join((advice(problem.rule), *(f"{n:,} × {cause}" for cause, n in problem.causes))),
        )
        for problem in problems
    ]
    header = ("file", "column", "rule", "rows", "which", "a cell here", "what to do, and what the cells look like")
    return f"<h2>{title}</h2>\n" + _table(f"a row may be {word} for several reasons", header, rows)


def _warnings(report: LoadReport) -> str:
    if not report.warnings:
        return ""
    rows = [_warning_row(warning) for warning in report.warnings]
    header = ("file", "column", "rule", "rows", "which", "what it means")
    return "<h2>What should be looked at</h2>\n" + _table("warnings: nothing was rejected for them", header, rows)


def _warning_row(warning: PrivacyWarning | QualityWarning) -> tuple[str, ...]:
    numbers: tuple[int, ...] = getattr(warning, "row_numbers", ())
    which = _which(numbers, warning.n_rows) if numbers else ""
    return (warning.file, warning.column, warning.rule, f"{warning.n_rows:,}", which, warning.text)


def _left_out_columns(report: LoadReport) -> str:
    rows = list(report.left_out_columns)
    if not rows:
        return ""
    return "<h2>Columns that were not read</h2>\n" + _table(
        "not in the schema or the mapping", ("file", "column"), rows
    )


def _listed(title: str, texts: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<h2>{title}</h2>\n<ul>{items}</ul>" if texts else ""


def _which(row_numbers: tuple[int, ...], n_rows: int) -> str:
    return ", ".join(f"{number}" for number in row_numbers) + (", …" if n_rows > len(row_numbers) else "")


def _cell(text: str) -> str:
    """Return the HTML of a cell: its first line, and the others as a list."""
    first, *others = (escape(line) for line in text.split("\n"))
    return first + (f"<ul>{''.join(f'<li>{line}</li>' for line in others)}</ul>" if others else "")


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    kinds = [' class="number"' if name in _NUMBERS else "" for name in header]
    heads = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(header, kinds, strict=True))
    lines = (
        "<tr>" + "".join(f"<td{kind}>{_cell(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">\n<table>'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(lines)
        + "\n</tbody></table>\n</div>"
    )
