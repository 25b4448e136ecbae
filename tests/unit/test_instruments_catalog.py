"""What the catalog says of the six scales it began with, held against the published numbers; which scale a name means.

The other scales are in `test_instruments_content.py`.
"""

from __future__ import annotations

import dataclasses
import math
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.catalog import (
    AMBIGUOUS_NAMES,
    index_codes,
    index_names,
    instrument,
    instrument_by_loinc,
    instruments,
    name_key,
    subscales,
)
from katoutcomes.instruments.definition_file import read_definition
from katoutcomes.instruments.loinc_codes import LoincCodes, is_loinc_code

DEFINITION_FILES = sorted(
    entry.name
    for entry in files("katoutcomes.instruments").joinpath("definitions").iterdir()
    if entry.name.endswith(".toml")
)

# (id, items, item minimum, item maximum, minimum, maximum, recall in days, rater), from the papers in `sources`:
# Kroenke 2001, Spitzer 2006, Beck 1996, Hamilton 1959, Montgomery and Asberg 1979, Blevins 2015.
SCALES = [
    ("phq9", 9, 0, 3, 0, 27, 14, "self"),
    ("gad7", 7, 0, 3, 0, 21, 14, "self"),
    ("bdi2", 21, 0, 3, 0, 63, 14, "self"),
    ("hama", 14, 0, 4, 0, 56, 0, "clinician"),
    ("madrs", 10, 0, 6, 0, 60, 7, "clinician"),
    ("pcl5", 20, 0, 4, 0, 80, 30, "self"),
]

# (definition set, kind, value, whether it is the default, what its source must name)
THRESHOLDS = [
    ("phq9/nhs_talking_therapies_caseness", "caseness", 10, True, "NCT05134103"),
    ("phq9/kroenke_2001_caseness", "caseness", 10, False, "10.1046/j.1525-1497.2001.016009606.x"),
    ("phq9/measurement_based_care_response", "response", 0.5, True, "10.1176/appi.ps.201900295"),
    ("phq9/measurement_based_care_remission", "remission", 4, True, "10.1176/appi.ps.201900295"),
    ("phq9/nhs_talking_therapies_reliable_change", "reliable_change", 6, True, "NCT05134103"),
    ("phq9/nhs_talking_therapies_recovery", "remission", 9, False, "below 10"),
    ("gad7/nhs_talking_therapies_caseness", "caseness", 8, True, "NCT05134103"),
    ("gad7/plummer_2016_caseness", "caseness", 8, False, "10.1016/j.genhosppsych.2015.11.005"),
    ("gad7/nhs_talking_therapies_recovery", "remission", 7, False, "below 8"),
    ("gad7/kroenke_2010_caseness", "caseness", 10, False, "10.1016/j.genhosppsych.2010.03.006"),
    ("gad7/bandelow_2006_response", "response", 0.5, True, "10.1017/S1092852900025815"),
    ("gad7/nhs_talking_therapies_reliable_change", "reliable_change", 4, True, "NCT05134103"),
    ("gad7/bischoff_2020_reliable_change", "reliable_change", 6, False, "10.5964/pch.v8i1.309"),
    ("bdi2/reeves_2012_response", "response", 0.5, True, "10.1016/j.jad.2011.12.003"),
    ("bdi2/reeves_2012_remission", "remission", 9, False, "10.1016/j.jad.2011.12.003"),
    ("hama/bandelow_2006_response", "response", 0.5, True, "10.1017/S1092852900025815"),
    ("hama/rickels_2013_remission", "remission", 7, True, "10.1159/000351410"),
    ("madrs/katz_2021_response", "response", 0.5, True, "10.1002/cpt.2024"),
    ("madrs/hawley_2002_remission", "remission", 9, True, "10.1016/S0165-0327(01)00451-7"),
    ("madrs/katz_2021_remission", "remission", 12, False, "10.1002/cpt.2024"),
    ("madrs/bandelow_2006_remission", "remission", 11, False, "10.4088/jcp.v67n0914"),
    ("madrs/riedel_2010_remission", "remission", 7, False, "10.1016/j.jpsychires.2010.03.006"),
    ("madrs/bandelow_2006_strict_remission", "remission", 5, False, "10.4088/jcp.v67n0914"),
    ("madrs/zimmerman_2004_narrow_remission", "remission", 4, False, "PMID 15003068"),
    ("pcl5/bovin_2016_caseness_33", "caseness", 33, True, "10.1037/pas0000254"),
    ("pcl5/bovin_2016_caseness_31", "caseness", 31, False, "10.1037/pas0000254"),
    ("pcl5/national_center_2013_caseness", "caseness", 38, False, "National Center for PTSD"),
    ("pcl5/marx_2022_clinically_significant_change", "remission", 28, False, "10.1037/pas0001098"),
    ("pcl5/marx_2022_reliable_change_18", "reliable_change", 18, True, "10.1037/pas0001098"),
    ("pcl5/marx_2022_reliable_change_15", "reliable_change", 15, False, "10.1037/pas0001098"),
    ("pcl5/dsm4_checklist_reliable_change_10", "reliable_change", 10, False, "DSM-IV"),
    ("pcl5/dsm4_checklist_reliable_change_5", "reliable_change", 5, False, "DSM-IV"),
]

# (definition set, lower ends of its bands, whether it is the default, what its source must name)
BANDS = [
    ("phq9/kroenke_2001_bands", (0, 5, 10, 15, 20), True, "10.1046/j.1525-1497.2001.016009606.x"),
    ("gad7/kroenke_2010_bands", (0, 5, 10, 15), True, "10.1016/j.genhosppsych.2010.03.006"),
    ("bdi2/beck_1996_bands", (0, 14, 20, 29), True, "1996"),
    ("hama/matza_2010_bands", (0, 8, 15, 24), True, "10.1002/mpr.323"),
    ("hama/classic_bands", (0, 18, 25, 31), False, "HAM-A v1"),
    ("madrs/snaith_1986_bands", (0, 7, 20, 35), True, "10.1192/bjp.148.5.599"),
    ("madrs/mcdowell_2006_bands", (0, 12, 24, 35), False, "McDowell 2006"),
]

# (id, (kind, value, what its source must name) in the order of use)
RELIABILITIES = {
    "phq9": (("internal_consistency", 0.89, "Kroenke 2001"), ("retest", 0.737, "PMC7525967")),
    "gad7": (
        ("internal_consistency", 0.89, "10.1097/MLR.0b013e318160d093"),
        ("retest", 0.87, "10.5964/pch.v8i1.309"),
    ),
    "bdi2": (("internal_consistency", 0.91, "10.1207/s15327752jpa6703_13"), ("retest", 0.93, "one week")),
    "hama": (),
    "madrs": (),
    "pcl5": (
        ("retest", 0.84, "10.1037/pas0000254"),
        ("retest", 0.82, "10.1002/jts.22059"),
        ("internal_consistency", 0.96, "10.1037/pas0000254"),
        ("internal_consistency", 0.94, "10.1002/jts.22059"),
    ),
}


def _definition(identifier: str) -> Any:
    found = [d for scale in instruments() for d in scale.definition_sets if d.id == identifier]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("identifier", "n_items", "low", "high", "minimum", "maximum", "recall", "rater"), SCALES)
def test_scale_is_as_published(
    identifier: str, n_items: int, low: int, high: int, minimum: int, maximum: int, recall: int, rater: str
) -> None:
    scale = instrument(identifier)
    assert (scale.n_items, scale.item_minimum, scale.item_maximum) == (n_items, low, high)
    assert (scale.minimum, scale.maximum, scale.recall_days, scale.rater) == (minimum, maximum, recall, rater)
    assert scale.reverse_items == ()
    assert scale.direction == "higher_is_worse"
    assert scale.sign == -1


def test_the_catalog_is_in_the_order_of_names_with_sub_scales_after_their_scale() -> None:
    scales = instruments()
    whole = [scale.name for scale in scales if not scale.subscale_of]
    assert whole == sorted(whole)
    assert {row[0] for row in SCALES} <= {scale.id for scale in scales}
    place = {scale.id: position for position, scale in enumerate(scales)}
    for scale in scales:
        if scale.subscale_of:
            before = scales[place[scale.id] - 1]
            assert scale.subscale_of in (before.id, before.subscale_of)


@pytest.mark.parametrize(("identifier", "kind", "value", "is_default", "source"), THRESHOLDS)
def test_threshold_is_as_published(identifier: str, kind: str, value: float, is_default: bool, source: str) -> None:
    definition = _definition(identifier)
    assert (definition.kind, definition.value, definition.is_default) == (kind, value, is_default)
    assert definition.bands == ()
    assert source in definition.source


@pytest.mark.parametrize(("identifier", "starts", "is_default", "source"), BANDS)
def test_bands_are_as_published(identifier: str, starts: tuple[int, ...], is_default: bool, source: str) -> None:
    definition = _definition(identifier)
    scale = instrument(identifier.split("/", maxsplit=1)[0])
    assert definition.kind == "bands"
    assert tuple(band.low for band in definition.bands) == starts
    assert tuple(band.high for band in definition.bands) == (*(start - 1 for start in starts[1:]), scale.maximum)
    assert definition.is_default is is_default
    assert math.isnan(definition.value)
    assert source in definition.source


def test_nothing_is_shipped_of_these_scales_that_is_not_held_against_a_source_here() -> None:
    # The smallest changes that matter are held against theirs in test_instruments_content.py.
    scales = [instrument(row[0]) for row in SCALES]
    shipped = {d.id for scale in scales for d in scale.definition_sets if d.kind != "mcid"}
    assert shipped == {row[0] for row in THRESHOLDS} | {row[0] for row in BANDS}


@pytest.mark.parametrize("identifier", sorted(RELIABILITIES))
def test_reliabilities_are_as_published_and_in_order_of_use(identifier: str) -> None:
    found = instrument(identifier).reliabilities
    assert [(r.kind, r.value) for r in found] == [row[:2] for row in RELIABILITIES[identifier]]
    for reliability, row in zip(found, RELIABILITIES[identifier], strict=True):
        assert row[2] in reliability.source


def test_norms_are_as_published_and_only_where_they_were_seen() -> None:
    norms = {row[0]: instrument(row[0]).norms for row in SCALES if instrument(row[0]).norms}
    assert set(norms) == {"phq9", "gad7"}
    phq9, gad7 = norms["phq9"][0], norms["gad7"][0]
    # Kroenke 2001: 474 patients without, 41 with major depression. Spitzer 2006: 892 without, 73 with the disorder.
    assert (phq9.functional_mean, phq9.functional_sd) == (3.3, 3.8)
    assert (phq9.dysfunctional_mean, phq9.dysfunctional_sd) == (17.1, 6.1)
    assert (gad7.functional_mean, gad7.functional_sd) == (4.9, 4.8)
    assert (gad7.dysfunctional_mean, gad7.dysfunctional_sd) == (14.4, 4.7)
    assert "n = 474" in phq9.source
    assert "n = 892" in gad7.source


def test_norms_and_reliability_give_the_thresholds_that_services_use() -> None:
    # Jacobson and Truax 1991: c = (s0 m1 + s1 m0) / (s0 + s1); reliable change = 1.96 s1 sqrt(2) sqrt(1 - r).
    scale = instrument("PHQ-9")
    norms, reliability = scale.norms[0], scale.reliabilities[0].value
    cut = (norms.functional_sd * norms.dysfunctional_mean + norms.dysfunctional_sd * norms.functional_mean) / (
        norms.functional_sd + norms.dysfunctional_sd
    )
    change = 1.96 * norms.dysfunctional_sd * math.sqrt(2.0) * math.sqrt(1.0 - reliability)
    assert cut == pytest.approx(8.6, abs=0.05)  # one decimal, as worked out by hand
    assert change == pytest.approx(5.6, abs=0.05)
    assert math.ceil(change) == scale.definition("reliable_change").value


def test_safety_items_are_those_that_ask_about_suicide() -> None:
    safety = {row[0]: instrument(row[0]).safety_items for row in SCALES}
    assert safety == {"phq9": (9,), "bdi2": (9,), "madrs": (10,), "gad7": (), "hama": (), "pcl5": ()}


def test_versions_whose_scores_must_not_be_mixed_are_listed() -> None:
    versions = {row[0]: instrument(row[0]).versions for row in SCALES if instrument(row[0]).versions}
    assert versions == {
        "hama": ("unstructured", "structured_interview"),
        "madrs": ("past_7_days", "past_24_hours"),
        "pcl5": ("past_month", "past_week"),
    }


@pytest.mark.parametrize(
    ("spelling", "identifier"),
    [
        ("phq9", "phq9"),
        ("PHQ 9", "phq9"),
        (" phq-9 ", "phq9"),
        ("Patient Health Questionnaire-9", "phq9"),
        ("generalised anxiety disorder–7", "gad7"),
        ("BDI-II", "bdi2"),
        ("bdi 2", "bdi2"),
        ("HAMA", "hama"),
        ("Hamilton Anxiety Rating Scale", "hama"),
        ("Montgomery-Asberg Depression Rating Scale", "madrs"),
        ("Montgomery–Åsberg Depression Rating Scale", "madrs"),
        ("pcl.5", "pcl5"),
        ("PTSD checklist for DSM 5", "pcl5"),
    ],
)
def test_case_accents_and_punctuation_do_not_matter(spelling: str, identifier: str) -> None:
    assert instrument(spelling).id == identifier


@pytest.mark.parametrize("name", ["PCL", "BDI", "CAPS", "p.c.l.", "PHQ", "Hamilton"])
def test_a_name_of_several_scales_is_refused_with_a_question(name: str) -> None:
    with pytest.raises(OptionError) as caught:
        instrument(name)
    message = str(caught.value)
    assert message.startswith(f"which scale is meant by {name!r}?")
    ambiguous = AMBIGUOUS_NAMES[name_key(name)]
    for meaning in ambiguous.meanings:
        assert meaning in message
    listed = [scale for scale in instruments() if scale.id in ambiguous.candidates]
    for scale in listed:  # what the catalog has
        assert f"{scale.name} ({scale.id})" in message
    assert ("Name it in full" in message) is bool(listed)


@pytest.mark.parametrize(("name", "alike"), [("PHQ-99", "PHQ-9 (phq9)"), ("MADRS-X", "MADRS (madrs)"), ("QQQ", "")])
def test_an_unknown_name_is_refused_with_those_that_are_like_it(name: str, alike: str) -> None:
    with pytest.raises(OptionError, match="no instrument is called") as caught:
        instrument(name)
    message = str(caught.value)
    assert f"did you mean {alike}" in message if alike else "did you mean" not in message
    assert f"The catalog has {len(instruments())}; `katoutcomes instruments` lists them." in message


def test_two_scales_cannot_share_a_spelling() -> None:
    phq9, gad7 = instrument("phq9"), instrument("gad7")
    with pytest.raises(DataError, match=r"phq9: 'gad 7' already means GAD-7"):
        index_names((gad7, dataclasses.replace(phq9, aliases=("gad 7",))))
    with pytest.raises(DataError, match=r"phq9: 'P-H-Q' is a name of several scales"):
        index_names((dataclasses.replace(phq9, aliases=("P-H-Q",)),))


def test_records_are_shared_and_cannot_be_changed() -> None:
    assert instrument("PHQ-9") is instrument("phq9")
    assert instruments() is instruments()
    with pytest.raises(dataclasses.FrozenInstanceError):
        instrument("PHQ-9").maximum = 30  # type: ignore[misc]


def test_definition_is_found_by_kind_or_by_name() -> None:
    madrs = instrument("MADRS")
    assert madrs.definition("remission").value == 9
    assert madrs.definition("remission", "katz_2021_remission").value == 12
    assert madrs.definition("remission", "madrs/katz_2021_remission").value == 12
    assert madrs.definitions("remission")[0].is_default
    with pytest.raises(OptionError, match="no default remission; name a definition set"):
        instrument("BDI-II").definition("remission")
    with pytest.raises(OptionError, match="none is known"):
        instrument("HAM-A").definition("caseness")


@pytest.mark.parametrize("file_name", DEFINITION_FILES)
def test_every_definition_file_loads(file_name: str) -> None:
    text = files("katoutcomes.instruments").joinpath("definitions", file_name).read_text("utf-8")
    assert f"{read_definition(text, file_name).id}.toml" == file_name


LONGEST_TEXT = 240  # a citation with its DOI fits; a questionnaire's question with its answers does not
LONGEST_LABEL = 20  # a severity label fits
WORDING_KEYS = {"texts", "wording", "question", "questions", "stem", "prompt", "options", "anchors"}


def _walk(value: object, key: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [pair for name, inner in value.items() for pair in [(name, None), *_walk(inner, name)]]
    if isinstance(value, list):
        return [pair for inner in value for pair in _walk(inner, key)]
    return [(key, value)]


@pytest.mark.parametrize("file_name", DEFINITION_FILES)
def test_no_item_wording_is_shipped(file_name: str) -> None:
    text = files("katoutcomes.instruments").joinpath("definitions", file_name).read_text("utf-8")
    document = tomllib.loads(text)
    pairs = _walk(document)
    assert not {key for key, _ in pairs} & WORDING_KEYS
    # "answers" are LOINC codes with numbers, "text" says what was not verified; neither stands anywhere else.
    assert all(isinstance(value, int) for value in document.get("loinc", {}).get("answers", {}).values())
    scales = [document, *document.get("subscale", [])]
    keys = [key for key, value in pairs if value is None]
    assert keys.count("text") == sum(len(scale.get("unverified", [])) for scale in scales)
    assert keys.count("answers") == ("answers" in document.get("loinc", {}))
    for key, value in pairs:
        if isinstance(value, str):
            assert len(value) <= (LONGEST_LABEL if key == "label" else LONGEST_TEXT), key
            assert "?" not in value, key
            assert "\n" not in value, key
    assert not isinstance(document["items"], list)  # items are counted, never listed


@pytest.mark.parametrize("file_name", DEFINITION_FILES)
def test_no_value_is_shipped_that_its_file_calls_unverified(file_name: str) -> None:
    text = files("katoutcomes.instruments").joinpath("definitions", file_name).read_text("utf-8")
    assert not re.search(r"\[u\]|\[mem\]|\[c\]", text)


def test_the_catalog_needs_no_numerical_library() -> None:
    code = (
        "import sys; from katoutcomes.instruments.catalog import instruments; instruments(); "
        "print(sorted({'numpy', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "[]"


@pytest.mark.parametrize(
    ("code", "identifier", "kind", "number"),
    [
        # Not in the order of the codes: LOINC panel 44249-1.
        ("44250-9", "phq9", "item", 1),
        ("44259-0", "phq9", "item", 3),
        ("44251-7", "phq9", "item", 5),
        ("44260-8", "phq9", "item", 9),
        ("44261-6", "phq9", "total", 0),
        ("44249-1", "phq9", "panel", 0),
        ("69725-0", "gad7", "item", 1),
        ("70274-6", "gad7", "total", 0),
    ],
)
def test_a_loinc_code_means_one_score(code: str, identifier: str, kind: str, number: int) -> None:
    meaning = instrument_by_loinc(code)
    assert (meaning.instrument.id, meaning.kind, meaning.item_number) == (identifier, kind, number)


def test_a_refused_loinc_code_says_why_and_an_unknown_one_that_it_is() -> None:
    with pytest.raises(OptionError, match=r"'54635-8' does not belong to the PHQ-9: .*MDS"):
        instrument_by_loinc("54635-8")
    with pytest.raises(OptionError, match=r"no instrument of the catalog has the LOINC code '12345-6'"):
        instrument_by_loinc("12345-6")


def test_every_loinc_code_of_the_catalog_has_one_meaning() -> None:
    index = index_codes(instruments())
    for scale in instruments():
        for number, code in enumerate(scale.loinc.items, start=1):
            if code:
                meaning = index[code][0]
                numbers = scale.item_numbers or range(1, scale.n_items + 1)
                assert meaning.item_number == numbers[number - 1]
                assert meaning.instrument.id in (scale.id, scale.subscale_of)
        assert all(index[code][0].instrument is scale for code in scale.loinc.total)


def test_two_meanings_of_a_loinc_code_are_refused_but_for_panels() -> None:
    phq9, gad7 = instrument("phq9"), instrument("gad7")
    with pytest.raises(DataError, match="gad7: the LOINC code 44261-6 already means another score"):
        index_codes((phq9, dataclasses.replace(gad7, loinc=LoincCodes(total=("44261-6",)))))
    with pytest.raises(DataError, match="gad7: the LOINC code 44250-9 already means another score"):
        index_codes((phq9, dataclasses.replace(gad7, loinc=LoincCodes(items=("44250-9",)))))
    with pytest.raises(DataError, match="gad7: the LOINC code 44249-1 already means another score"):
        index_codes((phq9, dataclasses.replace(gad7, loinc=LoincCodes(total=("44249-1",)))))
    shared = index_codes((phq9, dataclasses.replace(gad7, loinc=LoincCodes(panel=("44249-1",)))))
    assert [meaning.instrument.id for meaning in shared["44249-1"]] == ["phq9", "gad7"]


@pytest.mark.parametrize(
    ("code", "is_code"),
    [("44261-6", True), ("44249-1", True), ("101697-1", True), ("44261-5", False), ("44261", False), ("", False)],
)
def test_the_check_digit_of_a_loinc_code(code: str, is_code: bool) -> None:
    assert is_loinc_code(code) is is_code


def test_no_ambiguous_name_is_a_name_of_the_catalog_and_candidates_are_what_they_say() -> None:
    spellings = set(index_names(instruments()))
    assert not spellings & set(AMBIGUOUS_NAMES)
    for key, ambiguous in AMBIGUOUS_NAMES.items():
        assert key == name_key(key)
        assert len(ambiguous.meanings) > 1 or " or " in ambiguous.meanings[0] or "(" in ambiguous.meanings[0]
    with pytest.raises(OptionError, match=r"HAM-A \(hama\), HAM-D17 \(hamd17\)"):
        instrument("Hamilton")


def test_sub_scales_are_found_by_their_scale() -> None:
    assert [part.id for part in subscales(instrument("PCL-5"))] == ["pcl5_b", "pcl5_c", "pcl5_d", "pcl5_e"]
    assert subscales(instrument("MADRS")) == ()


def test_a_scale_is_asked_for_what_it_has() -> None:
    phq9 = instrument("PHQ-9")
    with pytest.raises(OptionError, match="the PHQ-9 has items 1 to 9"):
        phq9.legal_answers(10)
    assert phq9.metric().minimum == 0
    assert phq9.has_total
    assert {scale.use for scale in instruments() if not scale.has_total} <= {"categories", "outcome"}


@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_a_notebook_shows_a_short_table(scale: Any) -> None:
    shown = scale._repr_html_()
    assert shown.startswith("<table><caption>")
    assert shown.count("<tr>") == shown.count("</tr>") == 4 + sum(d.is_default for d in scale.definition_sets)
    assert "nan" not in re.sub(r"[a-z_]*/[a-z0-9_]*", "", shown).split()


def test_the_table_of_a_notebook_escapes_what_it_shows() -> None:
    scale = dataclasses.replace(instrument("PHQ-9"), licence="<b>free</b>")
    assert "&lt;b&gt;free&lt;/b&gt;" in scale._repr_html_()
