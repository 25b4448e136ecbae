"""Every way in which a definition can be wrong gives its own message, and all of them come at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.definition_file import read_definition, read_definitions
from katoutcomes.instruments.instrument import DefinitionSet, Unverified
from katoutcomes.instruments.item_arithmetic import LegalBlank, Metric, Omission, ProratingRule, Scoring

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
    ("fewer than no item", "count = 3", "count = -1", "items, count: must be 0 (only totals are known) or more"),
    ("a billion items", "count = 3", "count = 1000000000", "items, count: must be 0 (only totals are known) or more"),
    ("a billion answers", "maximum = 2", "maximum = 1000000000", "must be above the minimum of an item, by at most"),
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


# The same scale with everything that a definition may say: total = 2 x the sum, the third item 0 or 2 only.
WIDE = """
schema_version = "1.0"
id = "demo"
name = "DEMO-4"
full_name = "Demonstration Scale"
aliases = []
construct = "depression"
rater = "self"
recall_days = 7
direction = "higher_is_worse"
use = "outcome"
versions = ["week", "month"]
licence = "none"
sources = ["invented for a test"]

[items]
count = 4
minimum = 0
maximum = 2
reverse = [2]
safety = [4]
safety_at_least = 2

[[items.range]]
items = [3]
values = [0, 2]

[scoring]
kind = "sum"
factor = 2
step = 1

[total]
minimum = 0
maximum = 16

[[metric]]
name = "doubled"
factor = 1
offset = 0
minimum = 0
maximum = 16

[[metric]]
name = "lifted"
factor = 2
offset = -2
minimum = 1
maximum = 9

[loinc]
total = ["44261-6"]
panel = ["44249-1"]
items = ["44250-9", "", "44259-0", "44254-1"]
answers = { LA6568-5 = 0, LA6570-1 = 2 }

[[loinc.refused]]
code = "54635-8"
reason = "another form"

[[unverified]]
kind = "remission"
text = "below 5, source not seen"

[[definition_set]]
name = "response_points"
kind = "response"
value = 8.5
unit = "points"
source = "invented"

[[definition_set]]
name = "mcid_points"
kind = "mcid"
value = 4
source = "invented"

[[definition_set]]
name = "mcid_share"
kind = "mcid"
value = 0.2
unit = "share_of_baseline"
source = "invented"

[[subscale]]
id = "demo_part"
name = "DEMO part"
full_name = "Demonstration Scale, part"
aliases = ["Part of Demo"]
construct = "anxiety"
direction = "higher_is_better"
items = [4, 2]
minimum = 0
maximum = 2

[subscale.scoring]
kind = "mean"

[[subscale.prorating]]
name = "rule_a"
most_missing = 1
rounding = "none"
source = "invented"

[[subscale.definition_set]]
name = "bands_a"
kind = "bands"
source = "invented"
bands = [{ label = "well", low = 1.5, high = 2 }, { label = "unwell", low = 0, high = 1.5 }]

[[subscale]]
id = "demo_given"
name = "DEMO given"
full_name = "Demonstration Scale, given"
aliases = []
items = []
count = 3
minimum = 38.2
maximum = 81.3
"""


def test_a_wide_definition_becomes_three_instruments() -> None:
    whole, part, given = read_definitions(WIDE, "demo.toml")
    assert whole.scoring == Scoring("sum", 2.0, (), 1.0)
    assert [whole.legal_answers(number) for number in (1, 2, 3, 4)] == [(0, 1, 2), (0, 1, 2), (0, 2), (0, 1, 2)]
    assert (whole.safety_items, whole.safety_at_least) == ((4,), 2)
    assert whole.metric("lifted") == Metric("lifted", 2.0, -2.0, 1, 9)
    assert whole.loinc.items == ("44250-9", "", "44259-0", "44254-1")
    assert whole.loinc.answers == (("LA6568-5", 0), ("LA6570-1", 2))
    assert whole.loinc.refused == (("54635-8", "another form"),)
    assert whole.unverified == (Unverified("remission", "below 5, source not seen"),)
    assert [(d.value, d.is_share) for d in whole.definition_sets] == [(8.5, False), (4, False), (0.2, True)]
    assert str(whole.maximum) == "16"  # whole numbers print without decimals
    assert (part.subscale_of, part.item_numbers, part.n_items) == ("demo", (4, 2), 2)
    assert (part.reverse_items, part.safety_items, part.item_ranges) == ((2,), (1,), ())  # in its own numbering
    assert (part.loinc.items, part.loinc.total) == (("44254-1", ""), ())
    assert (part.construct, part.direction, part.recall_days, part.versions) == (
        "anxiety",
        "higher_is_better",
        7,
        ("week", "month"),
    )
    assert (part.scoring.kind, part.scoring.step, part.sign) == ("mean", 0.0, 1)
    assert part.definition_sets[0].id == "demo_part/bands_a"
    assert (given.n_items, given.item_numbers, given.scoring.kind) == (3, (), "none")
    assert (given.minimum, given.maximum, given.has_total) == (38.2, 81.3, True)


def test_a_scale_may_have_no_total() -> None:
    text = _changed("[total]\nminimum = 0\nmaximum = 6\n", '[scoring]\nkind = "none"\n')
    text = text[: text.index("[[definition_set]]")].replace("recall_days", 'use = "categories"\nrecall_days')
    scale = read_definition(text, "demo.toml")
    assert not scale.has_total
    assert (scale.use, scale.n_items) == ("categories", 3)


def test_a_session_scale_is_neither_better_nor_worse() -> None:
    text = VALID.replace('"higher_is_worse"', '"higher_is_more"').replace(
        "recall_days", 'use = "session_state"\nrecall_days'
    )
    assert read_definition(text, "demo.toml").sign == 0


def test_domains_count_the_largest_of_their_items() -> None:
    text = _changed("[total]\nminimum = 0\nmaximum = 6\n", "[total]\nminimum = 0\nmaximum = 4\n")
    text = text[: text.index("[[definition_set]]")] + '[scoring]\nkind = "domains"\ndomains = [[1, 3], [2]]\n'
    assert read_definition(text, "demo.toml").scoring.domains == ((1, 3), (2,))
    scoring = read_definition(text + "alternatives = [[3, 1]]\n", "demo.toml").scoring
    assert scoring.alternatives == ((3, 1),)
    assert scoring.required(3) == ((3, 1), (2,))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("alternatives = [[1, 2]]", "scoring, alternatives: must each lie in one of the domains"),
        ("alternatives = [[1]]", "scoring, alternatives: must be groups of two items or more"),
        ("alternatives = [[1, 3], [3, 1]]", "scoring, alternatives: must be groups of two items or more"),
        ("alternatives = [1, 3]", "scoring, alternatives: must be a list of lists of whole numbers"),
    ],
)
def test_alternatives_are_items_of_one_domain(line: str, problem: str) -> None:
    text = _changed("[total]\nminimum = 0\nmaximum = 6\n", "[total]\nminimum = 0\nmaximum = 4\n")
    text = text[: text.index("[[definition_set]]")] + '[scoring]\nkind = "domains"\ndomains = [[1, 3], [2]]\n'
    with pytest.raises(DataError) as caught:
        read_definition(text + line, "demo.toml")
    assert problem in str(caught.value)


BLANK = "[[scoring.blank]]\nitems = [2]\ncounts_as = 2\nwhen = { 1 = 0, 3 = 1 }\n\n[total]\n"


def test_blanks_may_stand_for_an_answer() -> None:
    scoring = read_definition(_changed("[total]\n", BLANK), "demo.toml").scoring
    assert scoring == Scoring(blanks=(LegalBlank((2,), 2, ((1, 0), (3, 1))),))
    with pytest.raises(OptionError, match="names the items that may be blank"):
        LegalBlank((2,), 0, ())
    with pytest.raises(OptionError, match="alternatives are items of one domain"):
        Scoring(alternatives=((1, 2),))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("items = [2]", "items = []", "scoring, blank 1, items: must name at least one item"),
        ("items = [2]", "items = [4]", "scoring, blank 1, items: it names an item outside 1 to 3"),
        ("items = [2]", "items = [1]", "scoring, blank 1, items: an item cannot be blank after its own answer"),
        (
            "items = [2]\ncounts_as = 2\nwhen = { 1 = 0, 3 = 1 }",
            "items = [3]\ncounts_as = 0\nwhen = { 1 = 0 }",
            "suicide",
        ),
        ("counts_as = 2", "counts_as = 3", "scoring, blank 1, counts_as: must be an answer that each"),
        ("counts_as = 2\n", "", "scoring, blank 1, counts_as: is missing"),
        ("3 = 1", "3 = 7", "scoring, blank 1, when: must name answers that the items have"),
        ("3 = 1", "three = 1", "scoring, blank 1, when: must say after which answers"),
        ("when = { 1 = 0, 3 = 1 }\n", "", "scoring, blank 1, when: must say after which answers"),
        ("when =", "sex = 1\nwhen =", "scoring, blank 1, sex: is not a key"),
    ],
)
def test_a_blank_that_cannot_be_is_refused(old: str, new: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        read_definition(_changed("[total]\n", BLANK.replace(old, new)), "demo.toml")
    assert problem in str(caught.value)


def test_items_that_are_never_added_have_no_legal_blanks() -> None:
    text = _changed("[total]\nminimum = 0\nmaximum = 6\n", BLANK.removesuffix("[total]\n"))
    text = text[: text.index("[[definition_set]]")].replace(
        "[[scoring.blank]]", '[scoring]\nkind = "none"\n\n[[scoring.blank]]'
    )
    with pytest.raises(DataError, match="scoring, blank: says what a blank adds to a total"):
        read_definition(text, "demo.toml")


OMISSION = '[[scoring.omission]]\nversion = "short"\nitems = [1]\nsource = "seen"\n\n[total]\n'


def _with_omission(old: str = "", new: str = "") -> str:
    text = _changed("versions = []", 'versions = ["long", "short"]')
    return text.replace("[total]\n", OMISSION.replace(old, new) if old else OMISSION)


def test_a_version_may_leave_out_items() -> None:
    scale = read_definition(_with_omission(), "demo.toml")
    assert scale.scoring == Scoring(omissions=(Omission("short", (1,), "seen"),))
    assert scale.largest_total("short") == scale.maximum - scale.legal_answers(1)[-1]
    assert scale.largest_total("long") == scale.largest_total() == scale.maximum
    with pytest.raises(OptionError, match="names the items that are not asked"):
        Omission("short", (), "seen")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("items = [1]", "items = []", "scoring, omission 1, items: must name at least one item"),
        ("items = [1]", "items = [1, 2, 3]", "scoring, omission 1, items: must name at least one item, and not all"),
        ("items = [1]", "items = [2]", "scoring, omission 1, items: an item whose answers begin above 0, or that is"),
        ("items = [1]", "items = [9]", "scoring, omission 1, items: names an item outside 1 to 3"),
        ('"short"', '"long"', "scoring, omission 1, version: must be one of the versions, and not the first"),
        ('"short"', '"brief"', "scoring, omission 1, version: must be one of the versions"),
        ('source = "seen"\n', "", "scoring, omission 1, source: is missing"),
        ("[[scoring", '[scoring]\nkind = "mean"\n[[scoring', "scoring, omission: only a sum can leave out"),
    ],
)
def test_an_omission_that_cannot_be_is_refused(old: str, new: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        read_definition(_with_omission(old, new), "demo.toml")
    assert problem in str(caught.value)


MALFORMED_WIDE = [
    ("unknown use", 'use = "outcome"', 'use = "mood"', "use: must be one of 'outcome', 'session_state'"),
    (
        "neither better nor worse",
        'direction = "higher_is_worse"',
        'direction = "higher_is_more"',
        "direction: 'higher_is_more' says neither better nor worse",
    ),
    ("unknown key in a range", "values = [0, 2]", "values = [0, 2]\nn = 1", "items, range 1, n: is not a key"),
    ("range of no item", "items = [3]", "items = []", "items, range 1, items: must name at least one item"),
    ("range of an item not there", "items = [3]", "items = [7]", "items, range: names an item outside 1 to 4"),
    ("range that goes down", "values = [0, 2]", "values = [2, 0]", "must list at least two answers, ascending"),
    (
        "item with two ranges",
        "[scoring]\n",
        "[[items.range]]\nitems = [3]\nvalues = [0, 1]\n\n[scoring]\n",
        "items, range: names an item twice",
    ),
    (
        "reversed item with uneven answers",
        "items = [3]\nvalues = [0, 2]",
        "items = [2]\nvalues = [0, 1, 2, 4]",
        "the answers of a reversed item must lie evenly",
    ),
    ("unknown kind of scoring", 'kind = "sum"', 'kind = "product"', "scoring, kind: must be one of 'sum', 'mean'"),
    ("factor of nothing", "factor = 2\nstep", "factor = 0\nstep", "scoring, factor: must be above 0"),
    ("negative step", "step = 1", "step = -1", "scoring, step: must be above 0, or 0"),
    ("step that does not fit", "step = 1", "step = 3", "scoring, step: must go into the factor"),
    ("domains of a sum", "step = 1", "step = 1\ndomains = [[1], [2]]", "domains: belong to the kind 'domains'"),
    ("domains that are no lists", "step = 1", "domains = [1, 2]", "domains: must be a list of lists of whole numbers"),
    (
        "item in two domains",
        'kind = "sum"\nfactor = 2\nstep = 1',
        'kind = "domains"\ndomains = [[1, 2], [2, 3], [4]]',
        "scoring, domains: must hold each of the items 1 to 4 once",
    ),
    ("total without the factor", "[total]\nminimum = 0\nmaximum = 16", "[total]\nminimum = 0\nmaximum = 8", "give 16"),
    ("half a range of the total", "[total]\nminimum = 0\n", "[total]\n", "total, minimum: is missing"),
    (
        "total of categories",
        'use = "outcome"',
        'use = "categories"',
        "total, minimum: categories have no total, so leave its range out",
    ),
    ("first metric with a factor", "factor = 1\noffset = 0", "factor = 2\noffset = 0", "metric 1, factor: the first"),
    (
        "first metric with another range",
        "offset = 0\nminimum = 0\nmaximum = 16",
        "offset = 0\nminimum = 0\nmaximum = 8",
        "metric 1, minimum: the first metric has the range of the total, 0 to 16",
    ),
    ("metric that leaves the range", "maximum = 9", "maximum = 10", "its range becomes 0 to 18, outside 0 to 16"),
    ("metric upside down", "minimum = 1\nmaximum = 9", "minimum = 9\nmaximum = 1", "metric 2, maximum: must be above"),
    ("metric with factor 0", "factor = 2\noffset = -2", "factor = 0\noffset = -2", "metric 2, factor: must not be 0"),
    ("metric twice", 'name = "lifted"', 'name = "doubled"', "metric 2, name: 'doubled' is a metric already"),
    ("metric with capitals", 'name = "lifted"', 'name = "Lifted"', "metric 2, name: must be lower-case"),
    ("prorating of all items", "most_missing = 1", "most_missing = 2", "most_missing: must lie between 1 and 1"),
    ("prorating of none", "most_missing = 1", "most_missing = 0", "most_missing: must lie between 1 and 1"),
    ("unknown rounding", 'rounding = "none"', 'rounding = "up"', "rounding: must be one of 'none', 'half_up'"),
    (
        "prorating without a source",
        'rounding = "none"\nsource = "invented"',
        'rounding = "none"',
        "subscale 1, prorating 1, source: is missing",
    ),
    (
        "prorating of unlike items",
        "[loinc]\n",
        '[[prorating]]\nname = "p"\nmost_missing = 1\nrounding = "none"\nsource = "s"\n\n[loinc]\n',
        "prorating 1, name: items with different ranges cannot be prorated",
    ),
    ("code with a wrong check digit", '"44261-6"', '"44261-7"', "loinc, total: '44261-7' is no LOINC code"),
    ("code of an answer as a total", '"44261-6"', '"LA6568-5"', "loinc, total: 'LA6568-5' is no LOINC code"),
    ("total among the items", '"44250-9", ""', '"44261-6", ""', "items: the code of the total stands among the items"),
    ("panel that is the total", '"44249-1"', '"44261-6"', "loinc, panel: a code has two meanings"),
    ("item code twice", '"44259-0", "44254-1"', '"44250-9", "44254-1"', "loinc, items: names something twice"),
    ("too few item codes", '"", "44259-0"', '"44259-0"', "loinc, items: must hold 4 codes, one an item"),
    ("refused code in use", '"54635-8"', '"44261-6"', "loinc, refused: a code that is refused is used above"),
    ("answer that is no code", "LA6568-5 = 0", "X1 = 0", "loinc, answers: must be LOINC answer codes"),
    ("answer for no number", "LA6570-1 = 2", "LA6570-1 = 5", "loinc, answers: stand for a number that is no answer"),
    ("answers that are texts", "LA6570-1 = 2", 'LA6570-1 = "2"', "loinc, answers: must be a table of whole numbers"),
    ("refusal without a reason", 'reason = "another form"\n', "", "loinc, refused 1, reason: is missing"),
    ("unknown key among the codes", "panel = ", "snomed = 1\npanel = ", "loinc, snomed: is not a key"),
    ("open point without a text", 'text = "below 5, source not seen"\n', "", "unverified 1, text: is missing"),
    ("unknown unit", 'unit = "points"', 'unit = "percent"', "unit: must be one of 'points', 'share_of_baseline'"),
    ("response wider than the scale", "value = 8.5", "value = 17", "must be above 0 and at most 16, the width"),
    ("share as a percentage", "value = 0.2", "value = 20", "must be a share above 0 and at most 1"),
    ("item that the scale has not", "items = [4, 2]", "items = [4, 5]", "subscale 1, items: names an item outside 1"),
    ("range of a sub-scale", "maximum = 2\n\n[subscale.scoring]", "maximum = 3\n\n[subscale.scoring]", "give 2"),
    ("unknown key in a sub-scale", "items = [4, 2]", "items = [4, 2]\nrater = 1", "subscale 1, rater: is not a key"),
    ("sub-scale without a name", 'name = "DEMO part"\n', "", "subscale 1, name: is missing"),
    ("sub-scale with the id of the scale", '"demo_part"', '"demo"', "subscale 1, id: 'demo' stands twice"),
    ("sub-scale with capitals", '"demo_part"', '"Demo"', "subscale 1, id: must be lower-case"),
    ("count beside items", "items = [4, 2]", "items = [4, 2]\ncount = 3", "subscale 1, count: says how many items"),
    (
        "bands of a continuous total with a gap",
        "low = 0, high = 1.5",
        "low = 0, high = 1.4",
        "there is a gap between 'unwell' and 'well'",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), [case[1:] for case in MALFORMED_WIDE], ids=[case[0] for case in MALFORMED_WIDE]
)
def test_what_is_wrong_in_a_wide_definition_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    assert old in WIDE
    assert message in _error(WIDE.replace(old, new, 1))


def test_thresholds_of_a_scale_without_a_total_are_refused() -> None:
    text = _changed("[total]\nminimum = 0\nmaximum = 6\n", '[scoring]\nkind = "none"\n')
    assert "definition_set 2, kind: a scale without a total has no definition sets" in _error(text)


def test_a_problem_of_one_table_hides_none_of_another() -> None:
    error = _error(WIDE.replace("value = 8.5", 'value = "many"').replace("value = 0.2", "value = 20"))
    assert "definition_set 1, value: must be a finite number" in error
    assert "definition_set 3, value: must be a share above 0" in error


def test_records_that_are_made_by_hand_are_checked_too() -> None:
    with pytest.raises(OptionError, match="domains belong to the scoring kind"):
        Scoring("sum", domains=((1,),))
    with pytest.raises(OptionError, match="factor of a scoring is above 0"):
        Scoring("sum", 0.0)
    with pytest.raises(OptionError, match="factor of a metric is not 0"):
        Metric("m", 0.0, 0.0, 0, 1)
    with pytest.raises(OptionError, match="at least one missing item"):
        ProratingRule("p", 0, "none", "invented")
    with pytest.raises(OptionError, match="needs its source"):
        ProratingRule("p", 1, "none", " ")
    with pytest.raises(OptionError, match="unit of a definition set"):
        DefinitionSet("demo/x", "mcid", 1.0, (), "invented", unit="percent")
