"""Names that papers and exports use for several scales, whose scores cannot be told apart by their range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class AmbiguousName:
    """What a name may mean.

    Attributes
    ----------
    meanings : tuple of str
        The scales, each with what tells it apart.
    candidates : tuple of str
        Ids of those that the catalog may hold.
    """

    meanings: tuple[str, ...]
    candidates: tuple[str, ...]


_PCL = AmbiguousName(
    (
        "PCL-5 (DSM-5, 20 items)",
        "PCL-C, PCL-M, PCL-S (DSM-IV, 17 items)",
        "PCL-6 (six items of the PCL-C)",
        "PCL-2 (two items of the PCL-C)",
    ),
    ("pcl5", "pclc", "pcl6"),
)
_BDI = AmbiguousName(
    ("BDI-II (1996)", "BDI-IA (1978)", "BDI (1961)", "BDI short form (13 items)"), ("bdi2", "bdi1a", "bdi1")
)
_CAPS = AmbiguousName(
    (
        "CAPS-5 (DSM-5, severity 0 to 80)",
        "CAPS-IV (DSM-IV, frequency plus intensity)",
        "the Cardiff Anomalous Perceptions Scale",
    ),
    ("caps5",),
)
_HAMD = AmbiguousName(("HAM-D with 6, 7, 17, 21 or 24 items",), ("hamd6", "hamd7", "hamd17", "hamd21", "hamd24"))
_HAMILTON = AmbiguousName(
    ("HAM-A (anxiety)", "HAM-D (depression; 6, 7, 17, 21 or 24 items)"), ("hama", *_HAMD.candidates)
)
_PHQ = AmbiguousName(
    ("PHQ-9", "PHQ-8 (without item 9)", "PHQ-2", "PHQ-15 (somatic symptoms)", "PHQ-ADS (PHQ-9 plus GAD-7)"),
    ("phq9", "phq8", "phq2", "phq15"),
)
_GAD = AmbiguousName(("GAD-7", "GAD-2", "the diagnosis"), ("gad7", "gad2"))
_QIDS = AmbiguousName(
    ("QIDS-SR16 (self-report)", "QIDS-C16 (clinician)", "QIDS-A17 (adolescents)"), ("qids_sr16", "qids_c16")
)
_IDS = AmbiguousName(("IDS-SR30 (self-report)", "IDS-C30 (clinician)"), ("ids_sr30", "ids_c30"))
_DAST = AmbiguousName(("DAST-10", "DAST-20", "DAST-28"), ("dast10", "dast20", "dast28"))
_CGI = AmbiguousName(
    ("CGI-S (severity now)", "CGI-I (improvement since baseline)", "CGI-E (efficacy index)"), ("cgi_s", "cgi_i")
)
_DASS = AmbiguousName(
    ("DASS-21 depression, anxiety or stress, doubled or not", "DASS-42"),
    ("dass21", "dass21_d", "dass21_a", "dass21_s", "dass42"),
)
_CORE = AmbiguousName(
    ("CORE-10", "CORE-OM (34 items)", "CORE-6D, CORE-SF, YP-CORE and other short forms"), ("core10", "core_om")
)
_ASC = AmbiguousName(
    ("5D-ASC (94 items, five scales)", "11-ASC (42 of its items, eleven scales)", "OAV (three of its scales)"),
    ("asc5d", "asc11"),
)
_PROMIS = AmbiguousName(
    ("a domain (depression, anxiety, pain ...) and a form (4a, 6a, 8a, 8b, CAT), raw sum or T score",),
    ("promis_dep", "promis_anx", "promis_depression", "promis_anxiety"),
)
_EQ5D = AmbiguousName(
    ("EQ-5D-5L index (by the value set of a country)", "EQ-5D-3L index", "EQ VAS (0 to 100)"),
    ("eq5d5l", "eq5d5l_index", "eq5d5l_vas"),
)
_CSSRS = AmbiguousName(
    ("C-SSRS Screener (yes or no, no total)", "C-SSRS full scale (ideation, intensity, behavior)"), ("cssrs_screener",)
)
_MEQ = AmbiguousName(("MEQ30 (30 items, 0 to 5)", "MEQ43", "MEQ100"), ("meq30",))
_KESSLER = AmbiguousName(("K10 (10 items)", "K6 (six of its items)"), ("k10", "k6"))

AMBIGUOUS_NAMES: Mapping[str, AmbiguousName] = MappingProxyType(
    {
        "asc": _ASC,
        "bdi": _BDI,
        "beck": AmbiguousName(
            ("BDI-II (depression)", "BAI (anxiety)", "BHS (hopelessness)", "BSS (suicide ideation)"),
            (*_BDI.candidates, "bai"),
        ),
        "beckdepressioninventory": _BDI,
        "caps": _CAPS,
        "cgi": _CGI,
        "clinicalglobalimpression": _CGI,
        "clinicalglobalimpressions": _CGI,
        "core": _CORE,
        "cssrs": _CSSRS,
        "dass": _DASS,
        "dast": _DAST,
        "drugabusescreeningtest": _DAST,
        "eq5d": _EQ5D,
        "gad": _GAD,
        "ham": _HAMILTON,
        "hamd": _HAMD,
        "hamilton": _HAMILTON,
        "hamiltondepressionratingscale": _HAMD,
        "hamiltonratingscalefordepression": _HAMD,
        "hdrs": _HAMD,
        "hrsd": _HAMD,
        "ids": _IDS,
        "kessler": _KESSLER,
        "meq": _MEQ,
        "patienthealthquestionnaire": _PHQ,
        "pcl": _PCL,
        "phq": _PHQ,
        "promis": _PROMIS,
        "ptsdchecklist": _PCL,
        "qids": _QIDS,
    }
)
"""Keys as `katoutcomes.instruments.catalog.name_key` makes them."""
