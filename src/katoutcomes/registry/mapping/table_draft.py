"""The draft of a mapping of format "tables": a section for each file, every guess with its reason in a comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers import name_rule
from katoutcomes.registry.mapping.code_draft import CHECK, decoding, key_text, value_text, without_unknown_codes
from katoutcomes.registry.mapping.file_guesses import (
    SeenFile,
    Target,
    date_formats,
    guess_targets,
    likely_table,
    look_at_folder,
    named_unit,
    visit_moments,
)
from katoutcomes.registry.mapping.profiles import DATE_FORMATS, TIME_FORMATS
from katoutcomes.registry.mapping.score_guesses import ScoreGuess, scales_called_like
from katoutcomes.registry.mapping.visit_names import nominal_days
from katoutcomes.registry.mapping.words import MISSING_WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from katoutcomes.registry.engines.engine import Engine


def draft_tables(folder: Path, engine: Engine, say: Callable[[str], None]) -> str:
    """Return the sections of a mapping for the CSV, Parquet and Excel files of a folder.

    Parameters
    ----------
    folder : Path
        The files.
    engine : Engine
        Where they are read.
    say : callable
        Is told what is being done.
    """
    files = look_at_folder(folder, engine, say)
    tables = {id(file): likely_table(file) for file in files if file.has_header and not file.faults}
    lines: list[str] = []
    for file in files:
        lines += _file_sections(file, tables.get(id(file), ""))
    lines += _patients_of_another_file(files, tables)
    if "sessions" not in tables.values():
        lines += ["", f'{CHECK}: no file of sessions was recognized. A registry needs one: table = "sessions".']
    return "\n".join(lines) + "\n"


def _file_sections(file: SeenFile, table: str) -> list[str]:
    if file.faults or not file.has_header:
        return _unreadable(file)
    if not table and not file.scores:
        return [
            "",
            f"# {_label(file)}: no column was recognized that tells which table this is. {CHECK[2:]}.",
            *_left_out_comments(file),
        ]
    targets = guess_targets(file, table) if table else _moments_of_scores(file)
    targets, notes = without_unknown_codes(file, table, targets)
    lines = ["", "[[file]]", *_head(file, table, targets)]
    lines += _left_out(file, targets)
    lines += ["", "[file.columns]", *(_column_line(target) for target in targets), *notes]
    lines += _constants(table, targets)
    lines += _units(file, targets)
    for target in targets:
        lines += decoding(file, table, target)
    scores = [_score(file, score, targets) for score in file.scores]
    lines += [line for score in scores for line in score]
    is_used = bool(table) or any("[[file.score]]" in score for score in scores)
    return lines if is_used else _as_comment(lines)


def _as_comment(lines: Sequence[str]) -> list[str]:
    """Return a section of which nothing is used yet as a comment, so that the draft can be read as it stands."""
    why = (
        f"{CHECK}: nothing of this file is used until a [[file.score]] below says when; then remove the # of all lines"
    )
    return ["", why, *(line if line.startswith("#") or not line else f"# {line}" for line in lines[1:])]


def _units(file: SeenFile, targets: tuple[Target, ...]) -> list[str]:
    units = {target.name: named_unit(file, target.column, target.name) for target in targets}
    lines = [
        f"{name} = {value_text(unit)}  # stands behind numbers; another unit is refused"
        for name, unit in units.items()
        if unit
    ]
    return ["", "[file.units]", *lines] if lines else []


def _label(file: SeenFile) -> str:
    return value_text(f"{file.name} [{file.sheet}]" if file.sheet else file.name)


def _unreadable(file: SeenFile) -> list[str]:
    if file.faults:
        return ["", f"# {_label(file)} could not be read:", *(f"#   {fault}" for fault in file.faults)]
    return [
        "",
        f"# {_label(file)}: the first line does not look like column names, so nothing of it is repeated here.",
        f"{CHECK}: give the file a line of column names, or say how many lines stand before it (skip_rows).",
    ]


def _left_out_comments(file: SeenFile) -> list[str]:
    return [f"#   {value_text(column)}" for column in file.columns]


def _moments_of_scores(file: SeenFile) -> tuple[Target, ...]:
    wanted = ("patient_id", "date", "day", "time")
    return tuple(target for target in guess_targets(file, "scores") if target.name in wanted)


def _head(file: SeenFile, table: str, targets: tuple[Target, ...]) -> list[str]:
    """Return the keys that say which file it is and how it is written."""
    lines = [f"name = {value_text(file.name)}"]
    if file.sheet:
        lines.append(f"sheet = {value_text(file.sheet)}")
    if table:
        lines.append(f'table = "{table}"  # {_why_table(targets, table)}')
    else:
        lines.append("# no table of its own: only the scores in its columns are read")
    dialect = file.guessed.dialect
    lines += [f"# {reason}" for reason in file.guessed.reasons]
    if dialect.encoding != "utf-8":
        lines.append(f'encoding = "{dialect.encoding}"  {CHECK}: are letters with accents right?')
    if dialect.separator != ",":
        lines.append(f'separator = "{"tab" if dialect.separator == chr(9) else dialect.separator}"')
    if dialect.skip_rows:
        lines.append(f"skip_rows = {dialect.skip_rows}")
    return [*lines, *_number_form(file, targets), *_moment_forms(file, targets), *_missing(file, targets)]


def _why_table(targets: tuple[Target, ...], table: str) -> str:
    named = ", ".join(target.name for target in targets[:4])
    return f"its columns say so: {named}" if named else f"the name of the file says {table}"


def _used_columns(file: SeenFile, targets: tuple[Target, ...]) -> list[str]:
    of_scores = [column for score in file.scores for column in score.columns()]
    return [*(target.column for target in targets), *of_scores]


def _number_form(file: SeenFile, targets: tuple[Target, ...]) -> list[str]:
    profiles = [file.profiles[column] for column in _used_columns(file, targets)]
    n_commas = sum(p.share("comma_number") > p.share("number") for p in profiles)
    if file.is_typed or not n_commas:
        return []
    return [f'decimal = ","  # columns whose numbers have a comma: {n_commas}']


def _moment_forms(file: SeenFile, targets: tuple[Target, ...]) -> list[str]:
    lines = []
    named = {target.name: target.column for target in targets}
    dated = [named["date"]] if "date" in named else _visit_dates(file)
    if dated:
        lines += _date_format(file, dated[0])
    if "time" in named:
        form, share = file.profiles[named["time"]].best(TIME_FORMATS)
        if form not in ("", "%H:%M") and not file.is_typed:
            lines.append(f'time_format = "{form}"  # {share:.0%} of the times are written like this')
    return lines


def _date_format(file: SeenFile, column: str) -> list[str]:
    forms, n_read, n_ambiguous = date_formats(file, column)
    if not forms or (forms == ("%Y-%m-%d",) and not n_ambiguous):
        return []
    profile = file.profiles[column]
    share = n_read / max(profile.n_filled, 1)
    if len(forms) > 1:
        reason = f"the dates of this column are written in {len(forms)} ways"
        check = f"  {CHECK}: dates that could be two days, and are refused: {n_ambiguous}" if n_ambiguous else ""
        return [f"date_format = [{', '.join(map(value_text, forms))}]  # {reason}{check}"]
    best = profile.share(forms[0])
    same = [text for text in DATE_FORMATS if profile.share(text) == best and _order(text) != _order(forms[0])]
    check = f"  {CHECK}: day and month cannot be told apart" if same else ""
    others = "; the others need no format" if file.is_typed and share < 1.0 else ""
    return [f"date_format = {value_text(forms[0])}  # {share:.0%} of the dates are written like this{others}{check}"]


def _visit_dates(file: SeenFile) -> list[str]:
    for score in file.scores:
        found = visit_moments(file, score.visits) if score.visits else None
        if found is not None and found[0] == "date":
            return [found[1].replace("{visit}", visit) for visit in score.visits]
    return []


def _order(form: str) -> str:
    return "".join(letter for letter in re.sub(r"[^YymbBd]", "", form)).replace("y", "Y")


def _missing(file: SeenFile, targets: tuple[Target, ...]) -> list[str]:
    seen = {word for column in _used_columns(file, targets) for word in file.profiles[column].missing_words}
    words = [word for word in MISSING_WORDS if word in seen]
    if not words:
        return []
    return [f"missing = [{', '.join(map(value_text, words))}]  {CHECK}: cells that mean “not known”"]


def _left_out(file: SeenFile, targets: tuple[Target, ...]) -> list[str]:
    """Return the list of columns that are not used, identifiers with the rule that the load will refuse them by."""
    used = {*_used_columns(file, targets), *_moment_columns(file)}
    rules = {finding.column: finding.rule for finding in file.findings}
    unused = [column for column in file.columns if column not in used]
    keys = {target.column for target in targets if target.name == "patient_id"}
    lines = [
        f"{CHECK}: column {value_text(column)}: rule {rules[column]}; the load refuses it until it is changed "
        "where the export is made"
        + ("; if it is a study key already, give the column another name" if column in keys else "")
        for column in file.columns
        if column in used and column in rules
    ]
    if not unused:
        return lines
    lines.append("leave_out = [")
    for column in unused:
        why = _why_left_out(column, name_rule(column) or rules.get(column))
        lines.append(f"  {value_text(column)},  # {why}")
    return [*lines, "]"]


def _why_left_out(column: str, rule: str | None) -> str:
    if rule:
        return f"rule {rule}: delete this column where the export is made; the load refuses it"
    scales = scales_called_like(column)
    if scales:
        return f"{CHECK[2:]}: it may be of {', '.join(scales)}; if you know which, give it a [[file.score]]"
    return "not recognized"


def _moment_columns(file: SeenFile) -> list[str]:
    found = []
    for score in file.scores:
        moments = visit_moments(file, score.visits) if score.visits else None
        if moments is not None:
            found += [moments[1].replace("{visit}", visit) for visit in score.visits]
    return found


def _column_line(target: Target) -> str:
    reason = target.why if target.is_sure else f"{CHECK[2:]}: {target.why}"
    return f"{key_text(target.column)} = {value_text(target.name)}  # {reason}"


def _constants(table: str, targets: tuple[Target, ...]) -> list[str]:
    """Return what must be filled and no column fills: what most files mean."""
    names = {target.name for target in targets}
    usual = {
        "sessions": {"kind": "dosing"},
        "adverse_events": {"severity": "mild", "serious": "0"},
    }.get(table, {})
    lacking = {name: value for name, value in usual.items() if name not in names}
    if not lacking:
        return []
    lines = [f"{name} = {value_text(value)}  {CHECK}: no column says it" for name, value in lacking.items()]
    return ["", "[file.constants]", *lines]


def _score(file: SeenFile, score: ScoreGuess, targets: tuple[Target, ...]) -> list[str]:
    """Return the section of one questionnaire, as a comment where nothing says on which day it was filled in."""
    lines = ["[[file.score]]", f'instrument = "{score.instrument.name}"  # {_check(score.is_sure)}{score.why}']
    if score.total:
        lines.append(f"total = {value_text(score.total)}")
    if isinstance(score.items, str):
        lines.append(f"items = {value_text(score.items)}")
    elif score.items:
        lines.append(f"items = [{', '.join(map(value_text, score.items))}]")
    moment = visit_moments(file, score.visits) if score.visits else None
    has_day = moment is not None or bool({"date", "day"} & {target.name for target in targets})
    days = {} if has_day else nominal_days(score.visits)
    if days:
        listed = ", ".join(f"{key_text(visit)} = {day}" for visit, day in days.items())
        why = "nominal days, by the names of the visits; columns that say the true day are better"
        lines.append(f"visit_days = {{ {listed} }}  {CHECK}: {why}")
    elif score.visits:
        lines.append(f"visits = [{', '.join(map(value_text, score.visits))}]")
    if moment is not None:
        lines.append(f"{moment[0]} = {value_text(moment[1])}  # the columns are called after the same visits")
    if score.visits and moment is None and has_day:
        lines.append(f"{CHECK}: all visits are given the day of the row")
    if len(score.instrument.metrics) > 1:
        lines.append(f'metric = "{score.instrument.metrics[0].name}"  {CHECK}: in which metric is the total?')
    if not has_day and not days:
        why = f"{CHECK}: nothing says on which day it was filled in. {_ask_for_days(score)}, and remove the #"
        return ["", why, *(f"# {line}" for line in lines)]
    return ["", *lines]


def _ask_for_days(score: ScoreGuess) -> str:
    """Say which keys would tell the day of a score."""
    if not score.visits:
        return "Name the column that says it: date or day"
    example = ", ".join(f"{key_text(visit)} = …" for visit in score.visits[:2])
    return (
        "Name the columns that say it, date or day with {visit}, or instead of visits the nominal day of each visit, "
        f"counted from the first dose: visit_days = {{ {example} }}"
    )


def _check(is_sure: bool) -> str:
    return "" if is_sure else f"{CHECK[2:]}: "


def _patients_of_another_file(files: Iterable[SeenFile], tables: dict[int, str]) -> list[str]:
    """Return the section that takes the patients from the rows of another file, where none is about patients."""
    if "patients" in tables.values():
        return []
    for file in files:
        if file.faults or not file.has_header:
            continue
        targets = {target.name: target for target in guess_targets(file, "patients")}
        if "patient_id" not in targets:
            continue
        head = [line for line in _head(file, "patients", (targets["patient_id"],)) if not line.startswith("table")]
        return [
            "",
            f"{CHECK}: no file is about patients, so they are taken from the rows of this one, each once.",
            "[[file]]",
            head[0],
            'table = "patients"',
            "merge_equal_rows = true",
            *(line for line in head[1:] if line.startswith(("sheet", "encoding", "separator", "skip_rows"))),
            "",
            "[file.columns]",
            _column_line(targets["patient_id"]),
        ]
    return ["", f"{CHECK}: no column was recognized that names the patient. A registry needs one: patient_id."]
