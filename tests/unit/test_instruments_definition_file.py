"""Every way in which a definition can be wrong gives its own message, and all of them come at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from katoutcomes.errors import DataError
from katoutcomes.instruments.definition_file import read_definition, read_definitions

# An invented scale: three items of 0 to 2, the second reversed.
VALID = """
schema_version = "1.0"
id = "demo"
name = "DEMO-3"
full_name = "Demonstration Scale"
aliases = ["Demo"]
construct = "depression"
rater = "self"
recall_days = 7
direction = "higher_is_worse"
versions = []
licence = "none"
sources = ["invented for a test"]

[items]
count = 3
minimum = 0
maximum = 2
reverse = [2]
safety = [3]

[total]
minimum = 0
maximum = 6

[[definition_set]]
name = "bands_a"
kind = "bands"
default = true
source = "invented"
bands = [{ label = "low", low = 0, high = 2 }, { label = "high", low = 3, high = 6 }]

[[definition_set]]
name = "case_a"
kind = "caseness"
default = true
value = 3
source = "invented"

[[definition_set]]
name = "response_a"
kind = "response"
value = 0.5
source = "invented"

[[definition_set]]
name = "change_a"
kind = "reliable_change"
value = 2.5
source = "invented"

[[reliability]]
value = 0.8
kind = "retest"
source = "invented"

[[norms]]
functional_mean = 1.0
functional_sd = 1.5
dysfunctional_mean = 4
dysfunctional_sd = 2
source = "invented"
"""


def _error(text: str, file_name: str = "demo.toml") -> str:
    with pytest.raises(DataError) as caught:
        read_definition(text, file_name)
    return str(caught.value)


def _changed(old: str, new: str) -> str:
    assert VALID.count(old) == 1, f"{old!r} must stand once in the valid definition"
    return VALID.replace(old, new)


def test_a_valid_definition_becomes_an_instrument() -> None:
    scale = read_definition(VALID, "demo.toml")
    assert (scale.id, scale.name, scale.aliases) == ("demo", "DEMO-3", ("Demo",))
    assert (scale.n_items, scale.reverse_items, scale.safety_items) == (3, (2,), (3,))
    assert (scale.minimum, scale.maximum) == (0, 6)
    assert [d.id for d in scale.definition_sets] == ["demo/bands_a", "demo/case_a", "demo/response_a", "demo/change_a"]
    assert [d.is_default for d in scale.definition_sets] == [True, True, False, False]
    assert scale.definition("bands").bands[1].label == "high"
    assert (scale.reliabilities[0].value, scale.norms[0].dysfunctional_mean) == (0.8, 4.0)


def test_a_dysfunctional_population_may_be_unknown() -> None:
    norms = read_definition(_changed("dysfunctional_mean = 4\ndysfunctional_sd = 2\n", ""), "demo.toml").norms[0]
    assert norms.functional_mean == 1.0
    assert norms.dysfunctional_mean != norms.dysfunctional_mean  # NaN: not known


def test_bands_of_a_scale_where_high_is_good_go_down() -> None:
    text = _changed('direction = "higher_is_worse"', 'direction = "higher_is_better"')
    assert "least to the most severe" in _error(text)
    bands = 'bands = [{ label = "low", low = 0, high = 2 }, { label = "high", low = 3, high = 6 }]'
    turned = 'bands = [{ label = "well", low = 3, high = 6 }, { label = "unwell", low = 0, high = 2 }]'
    scale = read_definition(text.replace(bands, turned), "demo.toml")
    assert [band.label for band in scale.definition("bands").bands] == ["well", "unwell"]
    assert scale.sign == 1


BANDS = '{ label = "low", low = 0, high = 2 }, { label = "high", low = 3, high = 6 }'

MALFORMED = [
    ("not TOML", 'id = "demo"', "id = ", "demo.toml is not readable as TOML"),
    (
        "unknown key at the top",
        "recall_days = 7",
        "recall_days = 7\nwording = 1",
        "wording: is not a key of the format",
    ),
    ("unknown key among the items", "safety = [3]", "safety = [3]\ntext = 1", "items, text: is not a key"),
    ("unknown key in a set", "value = 0.5", "value = 0.5\nnote = 1", "definition_set 3, note: is not a key"),
    ("unknown key in a band", "low = 0, high = 2", "low = 0, high = 2, item = 1", "bands 1, item: is not a key"),
    ("unknown key in norms", "functional_sd = 1.5", "functional_sd = 1.5\nn = 1", "norms 1, n: is not a key"),
    ("unknown key in a reliability", "value = 0.8", "value = 0.8\nn = 1", "reliability 1, n: is not a key"),
    ("missing key at the top", "recall_days = 7\n", "", "recall_days: is missing"),
    ("missing key among the items", "reverse = [2]\n", "", "items, reverse: is missing"),
    ("missing table", "[total]\nminimum = 0\nmaximum = 6\n", "", "total, minimum: the range of the total is missing"),
    ("missing value", "value = 0.5\n", "", "definition_set 3, value: is missing"),
    ("missing bands", f"bands = [{BANDS}]\n", "", "definition_set 1, bands: at least one band is needed"),
    ("missing source", 'value = 0.5\nsource = "invented"', "value = 0.5", "definition_set 3, source: is missing"),
    (
        "default without a source",
        'value = 3\nsource = "invented"',
        "value = 3",
        "definition_set 2, default: a default needs the source",
    ),
    ("empty source", 'sources = ["invented for a test"]', "sources = []", "sources: at least one source is needed"),
    ("blank text", 'name = "DEMO-3"', 'name = " "', "name: must be a text that is not empty"),
    ("text that is a number", 'licence = "none"', "licence = 1", "licence: must be a text"),
    ("number that is a text", "recall_days = 7", 'recall_days = "7"', "recall_days: must be a whole number"),
    ("number that is true", "recall_days = 7", "recall_days = true", "recall_days: must be a whole number"),
    ("number that is not finite", "value = 2.5", "value = inf", "definition_set 4, value: must be a finite number"),
    ("flag that is a number", 'kind = "bands"\ndefault = true', 'kind = "bands"\ndefault = 1', "must be true or false"),
    ("list that is a text", "versions = []", 'versions = "one"', "versions: must be a list"),
    ("list of numbers that holds a text", "reverse = [2]", 'reverse = ["2"]', "must be a list of whole numbers"),
    ("list of texts that holds a number", "versions = []", "versions = [1]", "versions: must be a list of texts"),
    ("repeated alias", 'aliases = ["Demo"]', 'aliases = ["Demo", "Demo"]', "aliases: names something twice"),
    ("repeated reverse item", "reverse = [2]", "reverse = [2, 2]", "items, reverse: names something twice"),
    ("schema of another version", 'schema_version = "1.0"', 'schema_version = "9.9"', "schema_version: must be '1.0'"),
    ("id with capitals", 'id = "demo"', 'id = "Demo"', "id: must be lower-case letters"),
    ("id unlike the file", 'id = "demo"', 'id = "demo2"', "the file must be named after it: demo2.toml"),
    ("negative recall", "recall_days = 7", "recall_days = -1", "recall_days: must be 0 (no source says) or more"),
    ("unknown construct", 'construct = "depression"', 'construct = "mood"', "construct: must be one of 'depression'"),
    ("unknown rater", 'rater = "self"', 'rater = "family"', "rater: must be one of 'self', 'clinician'"),
    ("unknown direction", 'direction = "higher_is_worse"', 'direction = "up"', "direction: must be one of"),
    ("no item", "count = 3", "count = -1", "items, count: must be 0 (only totals are known) or more"),
    ("item range upside down", "minimum = 0\nmaximum = 2", "minimum = 2\nmaximum = 2", "items, maximum: must be above"),
    (
        "reverse item that is not there",
        "reverse = [2]",
        "reverse = [4]",
        "items, reverse: names an item outside 1 to 3",
    ),
    ("reverse item 0", "reverse = [2]", "reverse = [0]", "items, reverse: names an item outside 1 to 3"),
    ("safety item that is not there", "safety = [3]", "safety = [9]", "items, safety: names an item outside 1 to 3"),
    (
        "maximum that does not follow",
        "maximum = 6",
        "maximum = 7",
        "total, maximum: the items and their scoring give 6",
    ),
    (
        "minimum that does not follow",
        "[total]\nminimum = 0",
        "[total]\nminimum = 1",
        "total, minimum: the items and their scoring give 0",
    ),
    ("set name with capitals", 'name = "case_a"', 'name = "Case"', "definition_set 2, name: must be lower-case"),
    ("unknown kind of a set", 'kind = "caseness"', 'kind = "cut"', "definition_set 2, kind: must be one of 'bands'"),
    ("set defined twice", 'name = "response_a"', 'name = "case_a"', "'demo/case_a' is defined twice"),
    ("caseness out of range", "value = 3\n", "value = 7\n", "definition_set 2, value: must lie in the range 0 to 6"),
    ("response as a percentage", "value = 0.5", "value = 50", "must be a share above 0 and at most 1"),
    ("response of nothing", "value = 0.5", "value = 0", "must be a share above 0 and at most 1"),
    ("reliable change of nothing", "value = 2.5", "value = 0.0", "must be above 0 and at most 6, the width"),
    ("reliable change too wide", "value = 2.5", "value = 7", "must be above 0 and at most 6, the width"),
    ("value beside bands", "bands = [", "value = 1\nbands = [", "definition_set 1, value: is not a key of the format"),
    ("bands beside a value", "value = 2.5", "value = 2.5\nbands = []", "definition_set 4, bands: is not a key"),
    ("overlapping bands", "low = 3, high = 6", "low = 2, high = 6", "'low' and 'high' overlap"),
    ("gap between bands", "low = 3, high = 6", "low = 4, high = 6", "there is a gap between 'low' and 'high'"),
    ("bands that start late", "low = 0, high = 2", "low = 1, high = 2", "must cover the whole range, 0 to 6"),
    ("bands that end early", "low = 3, high = 6", "low = 3, high = 5", "must cover the whole range, 0 to 6"),
    ("band upside down", "low = 3, high = 6", "low = 6, high = 3", "a band ends below its start"),
    ("bands with one label", 'label = "high"', 'label = "low"', "two bands have the same label"),
    (
        "bands in the wrong order",
        BANDS,
        '{ label = "high", low = 3, high = 6 }, { label = "low", low = 0, high = 2 }',
        "must go from the least to the most severe",
    ),
    (
        "band that starts at a half",
        "low = 3, high = 6",
        "low = 2.5, high = 6",
        "must start and end at totals that there are: steps of 1",
    ),
    ("reliability of 1", "value = 0.8", "value = 1.0", "reliability 1, value: must lie between 0 and 1"),
    ("reliability in percent", "value = 0.8", "value = 80", "reliability 1, value: must lie between 0 and 1"),
    ("unknown kind of reliability", 'kind = "retest"', 'kind = "omega"', "reliability 1, kind: must be one of"),
    (
        "norm mean out of range",
        "functional_mean = 1.0",
        "functional_mean = 9.0",
        "norms 1, functional_mean: must lie in",
    ),
    ("norm SD of 0", "functional_sd = 1.5", "functional_sd = 0", "norms 1, functional_sd: must be above 0"),
    ("half a population", "dysfunctional_sd = 2\n", "", "norms 1, dysfunctional_sd: is missing"),
    ("sets that are no tables", "[[reliability]]", "[reliability]", "reliability: must be an array of tables"),
]


def _replace_once_or_first(old: str, new: str) -> str:
    assert old in VALID
    # "functional_mean = 1.0" also ends "dysfunctional_mean"; the first place is the one that is meant.
    return VALID.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "message"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_a_malformed_definition_is_refused_with_its_file_and_key(old: str, new: str, message: str) -> None:
    error = _error(_replace_once_or_first(old, new))
    assert error.startswith("demo.toml ")
    assert message in error


def test_two_defaults_of_a_kind_are_refused() -> None:
    second = '[[definition_set]]\nname = "case_b"\nkind = "caseness"\ndefault = true\nvalue = 4\nsource = "invented"\n'
    assert "a second default of the kind 'caseness'; one is the most" in _error(VALID + second)


def test_a_table_of_the_wrong_type_is_refused() -> None:
    text = VALID.replace("[total]\nminimum = 0\nmaximum = 6\n", "").replace(
        "recall_days = 7", "recall_days = 7\ntotal = 6"
    )
    assert "total: must be a table" in _error(text)


def test_one_problem_is_reported_once() -> None:
    assert _error(_changed("[total]\nminimum = 0\nmaximum = 6\n", "")) == (
        "demo.toml has 1 problem:\n- total, minimum: the range of the total is missing; only a scale that is never "
        "added has none."
    )


def test_every_problem_is_reported_at_once() -> None:
    text = (
        VALID.replace('rater = "self"', 'rater = "family"')
        .replace("count = 3", "count = 4")
        .replace("value = 0.5", "value = 50")
        .replace("value = 0.8", "value = 80")
        .replace("functional_sd = 1.5", "functional_sd = -1")
        .replace('licence = "none"\n', "")
    )
    error = _error(text)
    assert error.startswith("demo.toml has 6 problems:\n- ")
    for place in ("rater:", "total, maximum:", "definition_set 3, value:", "reliability 1, value:", "licence:"):
        assert place in error
    assert "norms 1, functional_sd:" in error


def test_the_example_of_the_how_to_page_is_a_valid_definition() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how_to" / "add_an_instrument.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(examples) == 2
    scale = read_definition(examples[0], "demo.toml")
    assert [definition.kind for definition in scale.definition_sets] == ["bands", "caseness"]
    assert (len(scale.reliabilities), len(scale.norms)) == (1, 1)
    use, more = examples[1].split("\n\n", 1)
    start = examples[0][: examples[0].index("[[definition_set]]")].replace("maximum = 6", "maximum = 12")
    whole, part = read_definitions(f"{use}\n{start}{more}", "demo.toml")
    assert (whole.scoring.factor, whole.maximum, whole.legal_answers(3)) == (2.0, 12, (0, 2))
    assert (part.subscale_of, part.item_numbers, part.reverse_items) == ("demo", (1, 2), (2,))
    assert part.prorating[0].rounding == "half_up"
