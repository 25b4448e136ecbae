"""An attacker who solves means: of everybody, less those of the groups that are shown, gives that of the group hidden.

n_all * mean_all - sum(n_group * mean_group) is the sum of the scores of those who are left, and their mean where it is
known how many they are. The same holds for the two sides of any population inside another: those with a baseline score
and those of them with a score at a visit. And where a number of patients is hidden alone, the digits of what stays may
tell it: the mean of n whole numbers is a multiple of 1/n, a quartile ends by the remainder of n - 1 over 4.

The attacker reads the released file alone and shares nothing with `release`.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

import katoutcomes as kat

FEW = range(1, 11)
OF_ALL_WITH_BASELINE = {"baseline_score", "baseline, all with baseline"}
MEANS = {"mean", "mean change"}
SPREADS = {"standard deviation", *MEANS}


def populations(text: str) -> dict[tuple[str, ...], dict[str, dict[str, tuple[int, float]]]]:
    """What is measured → population → subgroup → its number of patients and what is said of them."""
    found: dict[tuple[str, ...], dict[str, dict[str, tuple[int, float]]]] = defaultdict(lambda: defaultdict(dict))
    for result in json.loads(text)["results"]:
        instrument = result["estimand"]["endpoint"]["instrument"]
        for one in result["estimates"]:
            if (
                one["measure"] not in SPREADS
                or one["treatment"]
                or one["estimate"] is None
                or one["n_patients"] is None
            ):
                continue
            term = one["term"]
            if term in OF_ALL_WITH_BASELINE:
                what, who = "baseline", "with baseline"
            elif term in {"baseline", "follow-up", "change"} and one["visit"]:
                what, who = (term if term == "baseline" else f"{term} at {one['visit']}"), f"pairs at {one['visit']}"
            else:
                what, who = f"{result['analysis']} {term} {one['visit']}", "own"
            key = (instrument, one["measure"], what)
            found[key][who][one["subgroup"]] = (one["n_patients"], one["estimate"])
    return found


def solved(text: str) -> list[str]:
    """What follows of 1 to 10 patients, in words."""
    leaks = []
    for key, of_population in populations(text).items():
        for who, groups in of_population.items():
            families: dict[str, list[int]] = defaultdict(list)
            for group, (n_patients, _) in groups.items():
                if group:
                    families[group.split(": ")[0]].append(n_patients)
            if "" in groups:
                left = {name: groups[""][0] - sum(numbers) for name, numbers in families.items()}
                leaks += [f"{key} of {who}: {n} beside the groups of {name}" for name, n in left.items() if n in FEW]
        whole = of_population.get("with baseline", {})
        for who, groups in of_population.items():
            for group in groups.keys() & whole.keys() if who.startswith("pairs") else ():
                n_left = whole[group][0] - groups[group][0]
                leaks += [f"{key} of {group or 'everybody'}: {n_left} who are not among {who}"] * (n_left in FEW)
    return leaks


def numbers_that_fit(measure: str, unit: str, shown: float, numbers: range) -> list[int]:
    """The numbers of patients whose whole-number scores could give what is printed; all where none is excluded."""
    if measure == "mean" and unit in {"points", "years", "trials", ""}:
        digits = 1 if abs(shown * 10 - round(shown * 10)) < 1e-9 else 2
        return [n for n in numbers if abs(round(shown * n) / n - shown) <= 0.5 * 10**-digits + 1e-9]
    if measure in {"lower quartile", "upper quartile", "median"} and unit in {"points", "years", "trials", ""}:
        level = {"lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75}[measure]
        if shown == math.floor(shown):
            return list(numbers)
        # A fraction is printed: only where the quantile lies between two scores.
        return [n for n in numbers if (level * (n - 1)) % 1.0]
    return list(numbers)


def told(text: str) -> tuple[list[str], int]:
    """Hidden numbers of patients that are narrowed to fewer than five of eleven, and how many were asked about."""
    leaks, n_asked = [], 0
    for result in json.loads(text)["results"]:
        together: dict[tuple[str, str], list[int]] = {}
        shown = [one["n_patients"] for one in result["estimates"] if one["n_patients"] is not None]
        most = max(shown, default=60)
        for one in result["estimates"]:
            if one["suppressed"] or one["n_patients"] is not None or one["estimate"] is None:
                continue
            if one["measure"] in {"count", "proportion", "threshold", "event rate"}:
                continue
            n_asked += 1
            if one["std_error"] is not None or one["df"] is not None or one["statistic"] is not None:
                leaks.append(f"{result['analysis']} {one['term']}: standard error or test beside a hidden number")
            fits = numbers_that_fit(one["measure"], one["unit"], one["estimate"], range(most - 10, most + 1))
            before = together.get((one["term"], one["subgroup"]), fits)
            together[one["term"], one["subgroup"]] = [n for n in before if n in fits]
        leaks += [
            f"{result['analysis']} {name}: {len(fits)} numbers fit" for name, fits in together.items() if len(fits) < 5
        ]
    return leaks, n_asked


@cache
def clinic(seed: int, n_patients: int) -> kat.Results:
    return kat.run(kat.AnalysisPlan.default(), kat.simulate_registry(seed=seed, n_patients=n_patients))


def careless(results: kat.Results) -> str:
    """The file of somebody who hides the numbers of few patients and nothing else."""
    content = {"results": [one.to_dict() for one in results]}
    for result in content["results"]:
        result["estimates"] = [one for one in result["estimates"] if one["n_patients"] not in FEW]
    return json.dumps(content)


def attack(seed: int, n_patients: int, folder: Path, policy: kat.DisclosurePolicy) -> tuple[list[str], int]:
    text = clinic(seed, n_patients).release(policy).write(folder / "released.json").read_text(encoding="utf-8")
    leaks, n_asked = told(text)
    # Sums of rounded numbers leave nothing that is certain.
    return leaks + (solved(text) if policy.round_to == 1 else []), n_asked


def test_the_attacker_reads_numbers_from_digits() -> None:
    assert numbers_that_fit("mean", "", 2.37, range(50, 61)) == [51, 52, 54, 56, 57, 59, 60]
    assert numbers_that_fit("mean", "", 2.4, range(50, 61)) == list(range(50, 61))
    assert numbers_that_fit("median", "years", 41.5, range(50, 54)) == [50, 52]


def test_the_attacker_solves_what_a_careless_hand_leaves() -> None:
    assert len(solved(careless(clinic(2, 40)))) > 10
    all_with_baseline, of_pairs = (
        {"measure": "mean", "treatment": "", "comparator": "", "subgroup": "", "term": term, "visit": visit, **numbers}
        for term, visit, numbers in (
            ("baseline, all with baseline", "", {"n_patients": 60, "estimate": 15.2}),
            ("baseline", "week 12", {"n_patients": 57, "estimate": 15.0}),
        )
    )
    result = {
        "analysis": "change_from_baseline",
        "estimand": {"endpoint": {"instrument": "PHQ-9"}},
        "estimates": [all_with_baseline, of_pairs],
    }
    assert len(solved(json.dumps({"results": [result]}))) == 1


def test_no_mean_of_few_follows_in_a_small_clinic(tmp_path: Path) -> None:
    leaks, _ = attack(4, 80, tmp_path, kat.DisclosurePolicy())
    assert leaks == []


@pytest.mark.slow
@pytest.mark.parametrize("round_to", [1, 5])
@pytest.mark.parametrize("seed", range(6))
def test_no_mean_of_few_follows_in_small_clinics(seed: int, round_to: int, tmp_path: Path) -> None:
    leaks, _ = attack(seed, 40 + 8 * seed, tmp_path, kat.DisclosurePolicy(round_to=round_to))
    assert leaks == []


def test_pairs_of_populations_are_nested_as_the_attacker_believes() -> None:
    """Those with both scores are among those with a baseline score, in every group and at every visit."""
    for of_population in populations(json.dumps({"results": [one.to_dict() for one in clinic(4, 80)]})).values():
        whole = of_population.get("with baseline", {})
        for one, other in combinations(of_population, 2):
            for group in of_population[one].keys() & of_population[other].keys() & whole.keys():
                assert of_population[one][group][0] <= whole[group][0] >= of_population[other][group][0]
