"""What the catalog says of every scale beyond the first six: held here value by value, and against the fact sheet.

The first six are in `test_instruments_catalog.py`. The tests marked shared compare with the sheet of facts that the
definitions were written from, which is kept outside the repository.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest

from katoutcomes.errors import DesignError, OptionError
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.instruments.instrument import DefinitionSet, Instrument
from katoutcomes.instruments.scoring import score_items

NAN = float("nan")

FIRST_SIX = ("phq9", "gad7", "bdi2", "hama", "madrs", "pcl5")

# Rows of the fact sheet, in its order.
SHEET_IDS = re.findall(
    r"\w+",
    """
    phq9 phq2 phq8 gad7 gad2 bdi2 bdi1a bai hamd17 hamd24 hama hama_psychic hama_somatic madrs qids_sr16
    pcl5 pcl5_b pcl5_c pcl5_d pcl5_e pcl6 pclc caps5_b caps5_c caps5_d caps5_e caps5 dass21_d dass21_a dass21_s k10 who5
    phq15 oasis ybocs ybocs_obs ybocs_comp audit dast10 isi bpi_sev bpi_int shaps cssrs_screener cgi_s cgi_i wsas
    eq5d5l_index eq5d5l_vas promis_dep promis_anx core10 core_om pswq cadss
    meq30 meq30_mystical meq30_mood meq30_transcendence meq30_ineffability
    edi asc5d asc5d_obn asc5d_ded asc5d_vrs asc5d_aua asc5d_vir asc11
    """,
)

# Parents without a total of their own, and the other scoring of the SHAPS.
BEYOND_THE_SHEET = ("dass21", "bpi", "eq5d5l", "shaps_dimensional")

# (id, part of, items, item minimum, item maximum, minimum, maximum, direction, rater, recall in days)
FACTS = [
    ("asc5d", "", 94, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("asc5d_obn", "asc5d", 27, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("asc5d_ded", "asc5d", 21, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("asc5d_vrs", "asc5d", 18, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("asc5d_aua", "asc5d", 0, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("asc5d_vir", "asc5d", 12, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("asc11", "asc5d", 42, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("audit", "", 10, 0, 4, 0, 40, "higher_is_worse", "self", 0),
    ("bai", "", 21, 0, 3, 0, 63, "higher_is_worse", "self", 7),
    ("bdi1a", "", 21, 0, 3, 0, 63, "higher_is_worse", "self", 7),
    ("bpi", "", 11, 0, 10, NAN, NAN, "higher_is_worse", "self", 1),
    ("bpi_sev", "bpi", 4, 0, 10, 0, 10, "higher_is_worse", "self", 1),
    ("bpi_int", "bpi", 7, 0, 10, 0, 10, "higher_is_worse", "self", 1),
    ("cssrs_screener", "", 6, 0, 1, NAN, NAN, "higher_is_worse", "self", 30),
    ("cadss", "", 23, 0, 4, 0, 92, "higher_is_more", "clinician", 0),
    ("caps5", "", 20, 0, 4, 0, 80, "higher_is_worse", "clinician", 30),
    ("caps5_b", "caps5", 5, 0, 4, 0, 20, "higher_is_worse", "clinician", 30),
    ("caps5_c", "caps5", 2, 0, 4, 0, 8, "higher_is_worse", "clinician", 30),
    ("caps5_d", "caps5", 7, 0, 4, 0, 28, "higher_is_worse", "clinician", 30),
    ("caps5_e", "caps5", 6, 0, 4, 0, 24, "higher_is_worse", "clinician", 30),
    ("cgi_i", "", 1, 1, 7, 1, 7, "higher_is_worse", "clinician", 0),
    ("cgi_s", "", 1, 1, 7, 1, 7, "higher_is_worse", "clinician", 0),
    ("core10", "", 10, 0, 4, 0, 40, "higher_is_worse", "self", 7),
    ("core_om", "", 34, 0, 4, 0, 40, "higher_is_worse", "self", 7),
    ("dass21", "", 21, 0, 3, NAN, NAN, "higher_is_worse", "self", 7),
    ("dass21_d", "dass21", 7, 0, 3, 0, 42, "higher_is_worse", "self", 7),
    ("dass21_a", "dass21", 7, 0, 3, 0, 42, "higher_is_worse", "self", 7),
    ("dass21_s", "dass21", 7, 0, 3, 0, 42, "higher_is_worse", "self", 7),
    ("dast10", "", 10, 0, 1, 0, 10, "higher_is_worse", "self", 365),
    ("edi", "", 8, 0, 100, 0, 100, "higher_is_more", "self", 0),
    ("eq5d5l_vas", "", 1, 0, 100, 0, 100, "higher_is_better", "self", 1),
    ("eq5d5l", "", 5, 1, 5, NAN, NAN, "higher_is_worse", "self", 1),
    ("eq5d5l_index", "", 0, 0, 0, -1.1, 1, "higher_is_better", "self", 1),
    ("gad2", "gad7", 2, 0, 3, 0, 6, "higher_is_worse", "self", 14),
    ("hama_psychic", "hama", 7, 0, 4, 0, 28, "higher_is_worse", "clinician", 0),
    ("hama_somatic", "hama", 7, 0, 4, 0, 28, "higher_is_worse", "clinician", 0),
    ("hamd17", "", 17, 0, 4, 0, 52, "higher_is_worse", "clinician", 7),
    ("hamd24", "", 24, 0, 4, 0, 75, "higher_is_worse", "clinician", 7),
    ("isi", "", 7, 0, 4, 0, 28, "higher_is_worse", "self", 14),
    ("k10", "", 10, 1, 5, 10, 50, "higher_is_worse", "self", 28),
    ("meq30", "", 30, 0, 5, 0, 150, "higher_is_more", "self", 0),
    ("meq30_mystical", "meq30", 15, 0, 5, 0, 75, "higher_is_more", "self", 0),
    ("meq30_mood", "meq30", 6, 0, 5, 0, 30, "higher_is_more", "self", 0),
    ("meq30_transcendence", "meq30", 6, 0, 5, 0, 30, "higher_is_more", "self", 0),
    ("meq30_ineffability", "meq30", 3, 0, 5, 0, 15, "higher_is_more", "self", 0),
    ("oasis", "", 5, 0, 4, 0, 20, "higher_is_worse", "self", 7),
    ("pcl5_b", "pcl5", 5, 0, 4, 0, 20, "higher_is_worse", "self", 30),
    ("pcl5_c", "pcl5", 2, 0, 4, 0, 8, "higher_is_worse", "self", 30),
    ("pcl5_d", "pcl5", 7, 0, 4, 0, 28, "higher_is_worse", "self", 30),
    ("pcl5_e", "pcl5", 6, 0, 4, 0, 24, "higher_is_worse", "self", 30),
    ("pclc", "", 17, 1, 5, 17, 85, "higher_is_worse", "self", 30),
    ("pcl6", "pclc", 6, 1, 5, 6, 30, "higher_is_worse", "self", 30),
    ("phq15", "", 15, 0, 2, 0, 30, "higher_is_worse", "self", 28),
    ("phq2", "phq9", 2, 0, 3, 0, 6, "higher_is_worse", "self", 14),
    ("phq8", "phq9", 8, 0, 3, 0, 24, "higher_is_worse", "self", 14),
    ("promis_anx", "", 0, 0, 0, 30, 90, "higher_is_worse", "self", 7),
    ("promis_dep", "", 0, 0, 0, 30, 90, "higher_is_worse", "self", 7),
    ("pswq", "", 16, 1, 5, 16, 80, "higher_is_worse", "self", 0),
    ("qids_sr16", "", 16, 0, 3, 0, 27, "higher_is_worse", "self", 7),
    ("shaps", "", 14, 0, 1, 0, 14, "higher_is_worse", "self", 0),
    ("shaps_dimensional", "", 14, 1, 4, 14, 56, "higher_is_worse", "self", 0),
    ("who5", "", 5, 0, 5, 0, 100, "higher_is_better", "self", 14),
    ("wsas", "", 5, 0, 8, 0, 40, "higher_is_worse", "self", 0),
    ("ybocs", "", 10, 0, 4, 0, 40, "higher_is_worse", "clinician", 7),
    ("ybocs_obs", "ybocs", 5, 0, 4, 0, 20, "higher_is_worse", "clinician", 7),
    ("ybocs_comp", "ybocs", 5, 0, 4, 0, 20, "higher_is_worse", "clinician", 7),
]

# (definition set, kind, value, whether it is the default, whether it is a share of the baseline)
THRESHOLDS = [
    ("audit/who_2001_caseness", "caseness", 8, True, False),
    ("bdi2/button_2015_mcid_share", "mcid", 0.175, False, True),
    ("bdi2/button_2015_resistant_mcid_share", "mcid", 0.32, False, True),
    ("bdi2/kounali_2022_mcid_share", "mcid", 0.23, False, True),
    ("bdi2/kounali_2022_mcid", "mcid", 3.5, False, False),
    ("bpi_sev/immpact_30_percent_response", "response", 0.3, True, True),
    ("bpi_sev/immpact_50_percent_response", "response", 0.5, False, True),
    ("bpi_sev/immpact_mcid", "mcid", 0.1, True, True),
    ("bpi_int/immpact_mcid", "mcid", 1, True, False),
    ("caps5/marx_2022_clinically_significant_change", "remission", 8, False, False),
    ("caps5/marx_2022_reliable_change_13", "reliable_change", 13, True, False),
    ("caps5/marx_2022_reliable_change_12", "reliable_change", 12, False, False),
    ("cgi_s/mataix_cols_2016_remission", "remission", 2, False, False),
    ("cgi_s/turkoz_2021_anchor", "mcid", 1, False, False),
    ("core10/barkham_2013_caseness", "caseness", 11, True, False),
    ("core10/barkham_2013_depression_caseness", "caseness", 13, False, False),
    ("core10/barkham_2013_reliable_change_90_percent", "reliable_change", 6, False, False),
    ("core_om/connell_2007_caseness", "caseness", 10, True, False),
    ("dast10/dusunen_adam_2013_caseness", "caseness", 4, False, False),
    ("eq5d5l_index/united_states_mcid", "mcid", 0.078, False, False),
    ("eq5d5l_index/germany_mcid", "mcid", 0.083, False, False),
    ("gad7/toussaint_2020_mcid", "mcid", 4, False, False),
    ("gad7/bauer_staeb_2021_mcid", "mcid", 3.3, False, False),
    ("gad7/kounali_2022_mcid_share", "mcid", 0.268, False, True),
    ("gad7/kounali_2022_mcid", "mcid", 1.5, False, False),
    ("gad2/plummer_2016_caseness", "caseness", 3, True, False),
    ("gad2/delgadillo_2012_addiction_caseness", "caseness", 2, False, False),
    ("hamd17/leucht_2013_response", "response", 0.5, True, True),
    ("hamd17/frank_1991_remission", "remission", 7, True, False),
    ("hamd17/riedel_2010_remission", "remission", 6, False, False),
    ("hamd17/leucht_2013_strict_remission", "remission", 5, False, False),
    ("hamd17/bobo_2016_much_improved", "mcid", 11, False, False),
    ("isi/morin_2011_community_caseness", "caseness", 10, False, False),
    ("isi/gagnon_2013_primary_care_caseness", "caseness", 14, False, False),
    ("isi/morin_remission", "remission", 7, True, False),
    ("isi/yang_2009_mcid", "mcid", 6, True, False),
    ("isi/morin_2011_moderate_improvement", "mcid", 8.4, False, False),
    ("madrs/turkoz_2021_mcid", "mcid", 6, False, False),
    ("madrs/turkoz_2021_substantial", "mcid", 12, False, False),
    ("madrs/hudgens_2021_mcid", "mcid", 10, False, False),
    ("oasis/campbell_sills_2009_caseness", "caseness", 8, True, False),
    ("oasis/oasis_d_2023_reliable_change", "reliable_change", 5, False, False),
    ("pcl5/blanchard_2023_anchor_mcid_low", "mcid", 9.8, False, False),
    ("pcl5/blanchard_2023_anchor_mcid_high", "mcid", 11.7, False, False),
    ("pcl5/dsm4_checklist_meaningful_change_10", "mcid", 10, False, False),
    ("pclc/general_population_caseness", "caseness", 44, False, False),
    ("pclc/military_caseness", "caseness", 50, False, False),
    ("pclc/primary_care_caseness_30", "caseness", 30, False, False),
    ("pclc/primary_care_caseness_28", "caseness", 28, False, False),
    ("pclc/national_center_reliable_change_10", "reliable_change", 10, False, False),
    ("pclc/national_center_reliable_change_5", "reliable_change", 5, False, False),
    ("pclc/national_center_meaningful_change_10", "mcid", 10, False, False),
    ("pclc/national_center_meaningful_change_20", "mcid", 20, False, False),
    ("pcl6/lang_stein_2005_caseness", "caseness", 14, True, False),
    ("phq15/korber_2011_caseness", "caseness", 10, False, False),
    ("cgi_i/mataix_cols_2016_response", "response_score", 2, False, False),
    ("phq9/kounali_2022_mcid_share", "mcid", 0.21, False, True),
    ("phq9/kounali_2022_mcid", "mcid", 1.7, False, False),
    ("phq9/bauer_staeb_2021_mcid", "mcid", 3.7, False, False),
    ("phq9/turkoz_2021_mcid", "mcid", 3, False, False),
    ("phq9/turkoz_2021_substantial", "mcid", 6, False, False),
    ("phq9/hudgens_2021_mcid", "mcid", 6, False, False),
    ("phq2/kroenke_2010_caseness", "caseness", 3, True, False),
    ("phq2/arroll_2010_caseness_2", "caseness", 2, False, False),
    ("phq8/kroenke_2009_caseness", "caseness", 10, True, False),
    ("promis_dep/kroenke_2020_mcid", "mcid", 3.5, True, False),
    ("pswq/nhs_talking_therapies_caseness", "caseness", 45, False, False),
    ("pswq/generalized_anxiety_caseness", "caseness", 62, False, False),
    ("qids_sr16/trivedi_2006_remission", "remission", 5, True, False),
    ("shaps/snaith_1995_caseness", "caseness", 3, True, False),
    ("who5/topp_2015_caseness_50", "caseness", 50, True, False),
    ("who5/topp_2015_caseness_28", "caseness", 28, False, False),
    ("who5/topp_2015_mcid", "mcid", 10, True, False),
    ("ybocs/mataix_cols_2016_response", "response", 0.35, True, True),
    ("ybocs/mataix_cols_2016_remission", "remission", 12, True, False),
    ("ybocs/farris_2013_remission", "remission", 14, False, False),
]

# (definition set, lower ends of its bands from the least severe, whether it is the default)
BANDS = [
    ("audit/who_2001_bands", (0, 8, 16, 20), True),
    ("bai/beck_1993_bands", (0, 8, 16, 26), True),
    ("bdi1a/st_patricks_bands", (0, 10, 19, 30), True),
    ("cgi_i/guy_1976_bands", (1, 2, 3, 4, 5), True),
    ("cgi_s/guy_1976_bands", (1, 2, 3, 4, 5, 6, 7), True),
    ("core10/usual_bands", (0, 11, 15, 20, 25), True),
    ("core10/shifted_bands", (0, 6, 11, 16, 21, 26), False),
    ("dass21_d/lovibond_1995_bands", (0, 10, 14, 22, 28), True),
    ("dass21_a/lovibond_1995_bands", (0, 8, 10, 16, 20), True),
    ("dass21_a/unscaled_table_bands", (0, 8, 12, 16, 20), False),
    ("dass21_s/lovibond_1995_bands", (0, 16, 20, 26, 34), True),
    ("dast10/skinner_1982_bands", (0, 1, 3, 6, 9), True),
    ("hamd17/zimmerman_2013_bands", (0, 8, 17, 24), True),
    ("hamd17/apa_handbook_bands", (0, 8, 14, 19, 23), False),
    ("isi/morin_bands", (0, 8, 15, 22), True),
    ("k10/abs_bands", (10, 16, 22, 30), True),
    ("k10/crufad_bands", (10, 20, 25, 30), False),
    ("phq15/kroenke_2010_bands", (0, 5, 10, 15), True),
    ("phq8/kroenke_2009_bands", (0, 5, 10, 15, 20), True),
    ("promis_dep/kroenke_2020_bands", (30, 55, 60, 65, 70), True),
    ("qids_sr16/rush_2003_bands", (0, 6, 11, 16, 21), True),
    ("who5/topp_2015_bands", (52, 32, 0), True),
    ("wsas/mundt_2002_bands", (0, 10, 21), True),
    ("ybocs/goodman_1989_bands", (0, 8, 16, 24, 32), True),
    ("ybocs/storch_2015_bands", (0, 14, 26, 35), False),
]

# (kind, value) in the order of use
RELIABILITIES = {
    "audit": (("retest", 0.84),),
    "bai": (
        ("internal_consistency", 0.92),
        ("retest", 0.75),
    ),
    "bdi1a": (("internal_consistency", 0.89),),
    "cadss": (
        ("internal_consistency", 0.937),
        ("internal_consistency", 0.91),
    ),
    "caps5": (
        ("retest", 0.78),
        ("internal_consistency", 0.88),
    ),
    "core10": (("internal_consistency", 0.9),),
    "dass21_d": (("internal_consistency", 0.91),),
    "dass21_a": (("internal_consistency", 0.8),),
    "dass21_s": (("internal_consistency", 0.84),),
    "dast10": (("internal_consistency", 0.92),),
    "edi": (("internal_consistency", 0.93),),
    "hamd24": (("internal_consistency", 0.88),),
    "isi": (("internal_consistency", 0.9),),
    "pswq": (("internal_consistency", 0.94),),
    "qids_sr16": (("internal_consistency", 0.86),),
    "shaps": (
        ("retest", 0.7),
        ("internal_consistency", 0.94),
    ),
    "shaps_dimensional": (("internal_consistency", 0.91),),
    "wsas": (("retest", 0.73),),
    "ybocs": (
        ("internal_consistency", 0.89),
        ("retest", 0.88),
    ),
}


def _ours() -> list[Instrument]:
    return [scale for scale in instruments() if scale.id not in FIRST_SIX]


def _shipped() -> dict[str, DefinitionSet]:
    return {definition.id: definition for scale in instruments() for definition in scale.definition_sets}


def test_every_row_of_the_fact_sheet_is_a_definition() -> None:
    assert len(SHEET_IDS) == len(set(SHEET_IDS)) == 68
    assert {scale.id for scale in instruments()} == {*SHEET_IDS, *BEYOND_THE_SHEET}
    assert [row[0] for row in FACTS] == [scale.id for scale in _ours()]


@pytest.mark.parametrize("row", FACTS, ids=[row[0] for row in FACTS])
def test_scale_is_as_described(row: tuple[str, str, int, int, int, float, float, str, str, int]) -> None:
    identifier, part_of, n_items, low, high, minimum, maximum, direction, rater, recall_days = row
    scale = instrument(identifier)
    assert (scale.subscale_of, scale.n_items, scale.item_minimum, scale.item_maximum) == (part_of, n_items, low, high)
    assert (scale.direction, scale.rater, scale.recall_days) == (direction, rater, recall_days)
    assert (scale.minimum, scale.maximum) == (minimum, maximum) or (math.isnan(minimum) and not scale.has_total)


def test_thresholds_are_those_listed_here_and_no_others() -> None:
    listed = {row[0]: row[1:] for row in THRESHOLDS}
    found = {
        key: (d.kind, d.value, d.is_default, d.is_share)
        for key, d in _shipped().items()
        if d.kind != "bands" and (key.split("/")[0] not in FIRST_SIX or d.kind == "mcid")
    }
    assert found == listed


def test_bands_are_those_listed_here_and_no_others() -> None:
    listed = {row[0]: row[1:] for row in BANDS}
    found = {
        key: (tuple(band.low for band in d.bands), d.is_default)
        for key, d in _shipped().items()
        if d.kind == "bands" and key.split("/")[0] not in FIRST_SIX
    }
    assert found == listed


def test_reliabilities_and_norms_are_those_listed_here_and_no_others() -> None:
    found = {
        scale.id: tuple((r.kind, r.value) for r in scale.reliabilities) for scale in _ours() if scale.reliabilities
    }
    assert found == RELIABILITIES
    norms = {scale.id: scale.norms[0] for scale in _ours() if scale.norms}
    assert set(norms) == {"core10", "promis_dep", "promis_anx"}
    core10 = norms["core10"]
    assert (core10.functional_mean, core10.functional_sd) == (4.7, 4.8)
    assert (core10.dysfunctional_mean, core10.dysfunctional_sd) == (19.7, 7.7)
    for identifier in ("promis_dep", "promis_anx"):  # by construction of the T metric
        assert (norms[identifier].functional_mean, norms[identifier].functional_sd) == (50.0, 10.0)
        assert math.isnan(norms[identifier].dysfunctional_mean)


CITATION = re.compile(r"\b(19|20)\d\d\b|PMC\d+|PMID \d+|NCT\d+|doi:|http|IMMPACT|QxMD|National Center|\.(com|org|ie)\b")
"""A year, an identifier, or the name of who says so."""


@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_every_value_names_its_source(scale: Instrument) -> None:
    stated = [
        *scale.sources,
        *(definition.source for definition in scale.definition_sets),
        *(reliability.source for reliability in scale.reliabilities),
        *(norms.source for norms in scale.norms),
        *(rule.source for rule in scale.prorating),
    ]
    for source in stated:
        assert len(source.split()) >= 3, source
        assert "[u]" not in source
        assert "memory" not in source
    assert scale.sources


@pytest.mark.parametrize("definition", [d for d in _shipped().values() if d.is_default], ids=lambda d: d.id)
def test_every_default_can_be_looked_up(definition: DefinitionSet) -> None:
    assert CITATION.search(definition.source) or "SOCAS" in definition.source or "ePPOC" in definition.source


def test_reverse_keyed_items() -> None:
    reverse = {scale.id: scale.reverse_items for scale in instruments() if scale.reverse_items}
    assert reverse == {
        "pswq": (1, 3, 8, 10, 11),
        "core10": (2, 3),
        "core_om": (3, 4, 7, 12, 19, 21, 31, 32),
        "dast10": (3,),
    }


def test_items_with_other_answers() -> None:
    ranges = {
        scale.id: [(r.items, r.values) for r in scale.item_ranges] for scale in instruments() if scale.item_ranges
    }
    assert ranges == {
        "hamd17": [((4, 5, 6, 12, 13, 14, 16, 17), (0, 1, 2))],
        "audit": [((9, 10), (0, 2, 4))],
    }


def test_item_numbers_of_sub_scales() -> None:
    numbers = {scale.id: scale.item_numbers for scale in instruments() if scale.subscale_of}
    assert numbers == {
        "phq2": (1, 2),
        "phq8": (1, 2, 3, 4, 5, 6, 7, 8),
        "gad2": (1, 2),
        "hama_psychic": (1, 2, 3, 4, 5, 6, 14),
        "hama_somatic": (7, 8, 9, 10, 11, 12, 13),
        **{f"{scale}_b": (1, 2, 3, 4, 5) for scale in ("pcl5", "caps5")},
        **{f"{scale}_c": (6, 7) for scale in ("pcl5", "caps5")},
        **{f"{scale}_d": (8, 9, 10, 11, 12, 13, 14) for scale in ("pcl5", "caps5")},
        **{f"{scale}_e": (15, 16, 17, 18, 19, 20) for scale in ("pcl5", "caps5")},
        "pcl6": (1, 4, 7, 10, 14, 15),
        "dass21_d": (3, 5, 10, 13, 16, 17, 21),
        "dass21_a": (2, 4, 7, 9, 15, 19, 20),
        "dass21_s": (1, 6, 8, 11, 12, 14, 18),
        "ybocs_obs": (1, 2, 3, 4, 5),
        "ybocs_comp": (6, 7, 8, 9, 10),
        "bpi_sev": (1, 2, 3, 4),
        "bpi_int": (5, 6, 7, 8, 9, 10, 11),
        "meq30_mystical": (4, 5, 6, 9, 14, 15, 16, 18, 20, 21, 23, 24, 25, 26, 28),
        "meq30_mood": (2, 8, 12, 17, 27, 30),
        "meq30_transcendence": (1, 7, 11, 13, 19, 22),
        "meq30_ineffability": (3, 10, 29),
        **{f"asc5d_{scale}": () for scale in ("obn", "ded", "vrs", "aua", "vir")},
        "asc11": (),
    }


@pytest.mark.parametrize("parent", ["pcl5", "caps5", "dass21", "ybocs", "bpi", "meq30", "hama"])
def test_sub_scales_share_the_items_of_their_scale_without_rest(parent: str) -> None:
    numbers = [n for scale in instruments() if scale.subscale_of == parent for n in scale.item_numbers]
    assert sorted(numbers) == list(range(1, instrument(parent).n_items + 1))


def test_items_about_suicide_or_self_harm() -> None:
    safety = {scale.id: scale.safety_items for scale in _ours() if scale.safety_items}
    assert safety == {
        "bdi1a": (9,),
        "hamd17": (3,),
        "hamd24": (3,),
        "qids_sr16": (12,),
        "core10": (6,),
        "core_om": (9, 16, 24, 34),
        "cssrs_screener": (1, 2, 3, 4, 5, 6),
    }
    assert instrument("PHQ-8").safety_items == ()
    assert instrument("MADRS").safety_at_least == 2


def test_what_a_score_may_be_used_for() -> None:
    uses = {scale.id: scale.use for scale in instruments() if scale.use != "outcome"}
    session = {"cadss", "edi", *(i for i in SHEET_IDS if i.startswith(("meq30", "asc")))}
    assert {identifier for identifier, use in uses.items() if use == "session_state"} == session
    assert {identifier for identifier, use in uses.items() if use == "global_change"} == {"cgi_i"}
    assert {identifier for identifier, use in uses.items() if use == "categories"} == {
        "cssrs_screener",
        "eq5d5l",
        "dass21",
        "bpi",
    }
    assert {scale.id for scale in instruments() if not scale.has_total} == {
        identifier for identifier, use in uses.items() if use == "categories"
    }
    assert all(instrument(identifier).direction == "higher_is_more" for identifier in session)


def test_a_higher_score_is_better_on_three_scales_only() -> None:
    assert {scale.id for scale in instruments() if scale.sign > 0} == {"who5", "eq5d5l_index", "eq5d5l_vas"}


def test_how_items_become_totals() -> None:
    other = {scale.id: scale.scoring for scale in instruments() if scale.scoring.kind != "sum"}
    assert {identifier for identifier, scoring in other.items() if scoring.kind == "mean"} == {
        "bpi_sev",
        "bpi_int",
        "core_om",
    }
    assert other["core_om"].factor == 10.0
    assert other["qids_sr16"].domains == ((1, 2, 3, 4), (5,), (6, 7, 8, 9), (10,), (11,), (12,), (13,), (14,), (15, 16))
    assert other["qids_sr16"].alternatives == ((6, 7), (8, 9))
    blanks = {scale.id: scale.scoring.blanks for scale in instruments() if scale.scoring.blanks}
    skipped = [(blank.items, blank.counts_as, blank.when) for blank in blanks.pop("audit")]
    assert skipped == [((2, 3, 4, 5, 6, 7, 8), 0, ((1, 0),)), ((4, 5, 6, 7, 8), 0, ((2, 0), (3, 0)))]
    assert not blanks
    factors = {scale.id: scale.scoring.factor for scale in instruments() if scale.scoring.factor != 1.0}
    assert factors == {"core_om": 10.0, "who5": 4.0, "dass21_d": 2.0, "dass21_a": 2.0, "dass21_s": 2.0}


@pytest.mark.parametrize("name", ["C-SSRS Screener", "EQ-5D-5L", "EDI", "5D-ASC", "HAM-D24", "PROMIS Depression"])
def test_items_that_are_never_added(name: str) -> None:
    scale = instrument(name)
    with pytest.raises(DesignError, match="never added up"):
        score_items(scale, [[scale.item_minimum] * max(scale.n_items, 1)])


def test_metrics() -> None:
    metrics = {
        scale.id: [(m.name, m.factor, m.offset, m.minimum, m.maximum) for m in scale.metrics]
        for scale in instruments()
        if scale.metrics
    }
    dass = [("doubled", 1, 0, 0, 42), ("unscaled", 2, 0, 0, 21)]
    assert metrics == {
        "dass21_d": dass,
        "dass21_a": dass,
        "dass21_s": dass,
        "k10": [("from_10_to_50", 1, 0, 10, 50), ("from_0_to_40", 1, 10, 0, 40)],
        "who5": [("percentage", 1, 0, 0, 100), ("raw", 4, 0, 0, 25)],
        "core_om": [("clinical_score", 1, 0, 0, 40), ("mean", 10, 0, 0, 4)],
    }


def test_prorating_rules_are_those_seen_in_a_source() -> None:
    rules = {s.id: (s.prorating[0].name, s.prorating[0].most_missing) for s in instruments() if s.prorating}
    assert rules == {
        "k10": ("alswh", 2),
        "bpi_int": ("four_of_seven", 3),
        "core10": ("core_system_trust", 1),
        "core_om": ("core_system_trust", 3),
    }
    assert all(len(scale.prorating) <= 1 for scale in instruments())


def test_versions_of_which_scores_are_not_mixed() -> None:
    assert instrument("PROMIS Depression").versions == ("form_not_named", "4a", "6a", "8a", "8b", "cat")
    assert instrument("EQ-5D-5L index").versions[0] == "value_set_not_named"
    assert instrument("CAPS-5").versions == ("past_month", "past_week")
    assert instrument("BPI").versions == ("past_24_hours", "past_week")
    assert instrument("WSAS").versions == ("five_items", "four_items_without_work")
    assert instrument("PHQ-15").versions == ("fifteen_items", "fourteen_items_men")


def test_versions_that_leave_out_items() -> None:
    found = {
        scale.id: [(omission.version, omission.items, scale.largest_total(omission.version)) for omission in omissions]
        for scale in instruments()
        if (omissions := scale.scoring.omissions)
    }
    assert found == {
        "phq15": [("fourteen_items_men", (4,), 28)],
        "wsas": [("four_items_without_work", (1,), 32)],
    }
    assert all(omission.source for scale in instruments() for omission in scale.scoring.omissions)


def test_loinc_codes() -> None:
    phq9, phq15, gad7 = instrument("PHQ-9"), instrument("PHQ-15"), instrument("GAD-7")
    # The order of the questionnaire, not that of the numbers.
    assert phq9.loinc.items == (
        "44250-9",
        "44255-8",
        "44259-0",
        "44254-1",
        "44251-7",
        "44258-2",
        "44252-5",
        "44253-3",
        "44260-8",
    )
    assert list(phq9.loinc.items) != sorted(phq9.loinc.items)
    assert (phq9.loinc.total, phq9.loinc.panel) == (("44261-6",), ("44249-1",))
    assert dict(phq9.loinc.answers) == {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}
    assert {"54635-8", "54636-6", "69729-2", "89204-2"} <= {code for code, _ in phq9.loinc.refused}
    assert (gad7.loinc.total, gad7.loinc.items[0], len(gad7.loinc.items)) == (("70274-6",), "69725-0", 7)
    assert (phq15.loinc.total, phq15.loinc.panel, len(phq15.loinc.items)) == (("70273-8",), ("69728-4",), 15)
    assert instrument("PHQ-2").loinc.items == ("44250-9", "44255-8")
    assert instrument("BDI-II").loinc.total == ("89209-1",)
    assert instrument("PCL-5").loinc.panel == ("101697-1",)
    assert instrument("PROMIS Depression").loinc.total == ("77861-3",)


def test_no_loinc_code_means_two_scales() -> None:
    owners: dict[str, set[str]] = {}
    for scale in instruments():
        for code in (*scale.loinc.total, *scale.loinc.panel, *(code for code in scale.loinc.items if code)):
            owners.setdefault(code, set()).add(scale.subscale_of or scale.id)
    assert {code: scales for code, scales in owners.items() if len(scales) > 1} == {}


@pytest.mark.parametrize("name", ["BDI", "CAPS", "PCL", "QIDS", "HAM-D", "PHQ", "GAD", "Beck"])
def test_a_name_of_several_scales_is_refused(name: str) -> None:
    with pytest.raises(OptionError):
        instrument(name)


@pytest.mark.parametrize(
    ("spelling", "identifier"),
    [
        ("HDRS-17", "hamd17"),
        ("qids-sr", "qids_sr16"),
        ("Kessler 10", "k10"),
        ("EQ-VAS", "eq5d5l_vas"),
        ("PCL-C-6", "pcl6"),
        ("YBOCS total score", "ybocs"),
        ("WHO-Five Well-Being Index", "who5"),
        ("visionary restructuralisation", "asc5d_vrs"),
        ("DASS-21 A", "dass21_a"),
        ("CORE-34", "core_om"),
    ],
)
def test_usual_spellings_are_known(spelling: str, identifier: str) -> None:
    assert instrument(spelling).id == identifier


# ------------------------------------------------------------------------------------- against the sheet of facts

SHEET = Path(__file__).resolve().parents[2] / ".." / "shared" / "research" / "instruments.csv"
SHEET_DIRECTIONS = {
    "higher=worse": "higher_is_worse",
    "higher=better": "higher_is_better",
    "lower=better (1 very much improved, 4 no change)": "higher_is_worse",
    "higher=more": "higher_is_more",
    "higher=more dissociation": "higher_is_more",
    "categorical": "higher_is_worse",
}

# Where the sheet has no single number, or another unit of it.
OTHER_COUNTS = {"cssrs_screener", "eq5d5l_index", "promis_dep", "promis_anx", "asc5d_aua", "cadss"}
OTHER_RANGES = {"eq5d5l_index", "promis_dep", "promis_anx", "cssrs_screener", "who5", "k10"}

# Values that the sheet marks as not seen and that were seen since, with where.
SEEN_SINCE = {
    ("phq9", "remission", 4.0): "Defining Success in Measurement-Based Care for Depression, below 5",
}


def _rows() -> dict[str, dict[str, str]]:
    with SHEET.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def _first_number(text: str) -> float:
    found = re.match(r"-?\d+(\.\d+)?", text.strip())
    return float(found[0]) if found else NAN


@pytest.mark.shared
@pytest.mark.skipif(not SHEET.exists(), reason="the sheet of facts is not here")
def test_ids_counts_ranges_directions_and_keys_are_those_of_the_sheet() -> None:
    rows = _rows()
    assert list(rows) == SHEET_IDS
    for identifier, row in rows.items():
        scale = instrument(identifier)
        if identifier not in OTHER_COUNTS:
            assert scale.n_items == int(row["n_items"]), identifier
        if identifier not in OTHER_RANGES:
            assert scale.minimum == _first_number(row["score_min"]), identifier
            assert scale.maximum == _first_number(row["score_max"]), identifier
        assert scale.direction == SHEET_DIRECTIONS[row["direction"]], identifier
        keys = tuple(
            int(key) for key in re.findall(r"\d+", row["reverse_items"]) if identifier in ("pswq", "core10", "dast10")
        )
        assert scale.reverse_items == keys or identifier == "core_om", identifier
        parent = row["subscale_of"]
        assert scale.subscale_of == ("" if identifier == "eq5d5l_vas" else parent), identifier
        numbered = re.match(r"items ([\d,-]+)", row["scoring_notes"])
        if numbered and parent and scale.item_numbers:
            assert scale.item_numbers == _expanded(numbered[1]), identifier
    assert instrument("who5").metric("raw").maximum == _first_number(rows["who5"]["score_max"])
    assert instrument("k10").metric("from_0_to_40").maximum == 40


def _expanded(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for piece in text.strip(",").split(","):
        low, _, high = piece.partition("-")
        numbers.extend(range(int(low), int(high or low) + 1))
    return tuple(numbers)


@pytest.mark.shared
@pytest.mark.skipif(not SHEET.exists(), reason="the sheet of facts is not here")
def test_loinc_items_are_those_of_the_sheet() -> None:
    rows = _rows()
    for identifier in ("phq9", "gad7"):
        assert ";".join(instrument(identifier).loinc.items) == rows[identifier]["loinc_items"]
        assert instrument(identifier).loinc.total == (rows[identifier]["loinc_total"],)
    # The sheet lists 14 of the 15 codes, one of them of another module.
    listed = set(rows["phq15"]["loinc_items"].split(" ")[0].split(";"))
    assert set(instrument("PHQ-15").loinc.items) == (listed - {"69687-2"}) | {"69731-8", "69732-6"}


COLUMNS_OF_KIND = {
    "response": ("response",),
    "remission": ("remission",),
    "caseness": ("caseness",),
    "mcid": ("mcid",),
    "reliable_change": ("service_reliable_change", "rci95"),
}


@pytest.mark.shared
@pytest.mark.skipif(not SHEET.exists(), reason="the sheet of facts is not here")
def test_no_value_that_the_sheet_marks_as_not_seen_or_computed_is_a_default() -> None:
    used = set()
    for identifier, row in _rows().items():
        for kind, columns in COLUMNS_OF_KIND.items():
            clauses = [clause for column in columns for clause in re.split(r"[;|]", row[column])]
            marked = [clause for clause in clauses if re.search(r"\[(u|c)\b", clause)]
            seen = {number for clause in clauses if clause not in marked for number in _numbers(clause)}
            unseen = {number for clause in marked for number in _numbers(clause)} - seen
            defaults = [d.value for d in instrument(identifier).definitions(kind) if d.is_default]
            used |= {(identifier, kind, value) for value in defaults if value in unseen}
        for column in ("functional_mean_sd", "dysfunctional_mean_sd"):
            if "[u]" in row[column]:
                assert instrument(identifier).norms == (), identifier
    assert used == set(SEEN_SINCE)


@pytest.mark.shared
@pytest.mark.skipif(not SHEET.exists(), reason="the sheet of facts is not here")
def test_no_default_bands_where_the_sheet_has_none_that_were_seen() -> None:
    for identifier, row in _rows().items():
        clauses = row["severity_bands"].split(";")
        if all("[u]" in clause for clause in clauses):
            assert not any(d.is_default for d in instrument(identifier).definitions("bands")), identifier


def _numbers(clause: str) -> set[float]:
    """Return the numbers of a clause; "<5" also as 4, the value that a definition would have."""
    found = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", clause)}
    return found | {float(number) - 1 for number in re.findall(r"<(\d+)", clause)}


@pytest.mark.shared
@pytest.mark.skipif(not SHEET.exists(), reason="the sheet of facts is not here")
def test_what_the_sheet_marks_as_not_seen_is_named_as_such() -> None:
    rows = _rows()
    for identifier, kind, column in [
        ("bdi2", "norms", "functional_mean_sd"),
        ("bdi2", "caseness", "caseness"),
        ("gad7", "remission", "remission"),
        ("dast10", "caseness", "caseness"),
        ("wsas", "mcid", "mcid"),
        ("caps5", "bands", "severity_bands"),
        ("pswq", "bands", "severity_bands"),
        ("madrs", "mcid", "mcid"),
    ]:
        assert "[u]" in rows[identifier][column]
        assert kind in {entry.kind for entry in instrument(identifier).unverified}, identifier
