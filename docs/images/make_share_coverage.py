"""Measure how often the intervals of shares and of their differences hold the truth, and draw it.

    python docs/images/make_share_coverage.py                  draws share_coverage.svg from share_coverage.json
    python docs/images/make_share_coverage.py --measure        computes the numbers anew first: two minutes of CPU

Exact, Wilson and Newcombe intervals, and the probability of superiority: no simulation. Every possible count is taken
with its binomial (trinomial) probability, so the coverage is exact: for shares from 0.1 % to 99.9 %, for every pair of
shares from 1 % to 99 %, and for superiority with no, few and many unchanged patients. Standardized differences: 4,000
simulated pairs of cohorts each, whose baseline scores differ and decide part of who improves; the truth is the average
of the known probabilities over the patients' distribution. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit
from scipy.stats import binom, multinomial

from katoutcomes.kernels.change.superiority import superiority_limits
from katoutcomes.kernels.shares.proportion_difference import share_difference
from katoutcomes.kernels.shares.proportions import INTERVALS, share
from katoutcomes.kernels.shares.standardized_shares import standardized_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).resolve().parent
NUMBERS, FIGURE = HERE / "share_coverage.json", HERE / "share_coverage.svg"
LEVEL = 0.95
ROUNDING = 1e-12
"""A truth that is a limit itself counts as held."""
SIZES = (20, 50, 200)
SHARES = tuple(round(0.001 * step, 3) for step in range(1, 1000))
PAIRS_OF_SIZES = ((20, 20), (50, 50), (30, 100), (200, 200))
PAIRED_SHARES = tuple(round(0.01 * step, 2) for step in range(1, 100))
UNCHANGED = (0.0, 0.05, 0.2, 0.5)
"""Shares of patients whose score is the same, which count half."""
WORSE = tuple(round(0.002 * step, 3) for step in range(25)) + tuple(round(0.05 + 0.01 * step, 2) for step in range(46))
"""Shares of patients who got worse; the others improve."""
REPLICATES = 4_000
STANDARDIZED = ((50, 0.0), (50, 1.0), (200, 0.0), (200, 1.0))
"""Patients a cohort, and the true log odds ratio."""
BASELINES = ((15.0, 4.5), (17.0, 4.5))
"""Mean and SD of the baseline scores of the two cohorts."""


def coverage_of_shares(interval: str, n_patients: int) -> list[float]:
    """Return the exact coverage of the interval of a share, one number for each of `SHARES`."""
    found = [share(events, n_patients, LEVEL, interval) for events in range(n_patients + 1)]
    low, high = (np.array([getattr(one, name) for one in found]) for name in ("conf_low", "conf_high"))
    chances = binom.pmf(np.arange(n_patients + 1)[:, None], n_patients, np.array(SHARES))
    holds = (low[:, None] <= np.array(SHARES)) & (np.array(SHARES) <= high[:, None])
    return [float(value) for value in (chances * holds).sum(axis=0)]


def coverage_of_differences(sizes: tuple[int, int], interval: str) -> dict[str, float]:
    """Return mean, 5 % quantile and least of the exact coverage over every pair of `PAIRED_SHARES`."""
    n_one, n_other = sizes
    limits = [
        [share_difference(one, n_one, other, n_other, LEVEL, interval=interval) for other in range(n_other + 1)]
        for one in range(n_one + 1)
    ]
    low, high = (
        np.array([[getattr(each, end) for each in row] for row in limits]) for end in ("conf_low", "conf_high")
    )
    shares = np.array(PAIRED_SHARES)
    chances, other_chances = (binom.pmf(np.arange(n + 1)[:, None], n, shares) for n in sizes)
    coverage = np.empty((len(shares), len(shares)))
    for place, truth in enumerate(shares):
        for at, other in enumerate(shares):
            holds = (low <= truth - other + ROUNDING) & (truth - other - ROUNDING <= high)
            coverage[place, at] = chances[:, place] @ holds @ other_chances[:, at]
    return {"mean": coverage.mean(), "twentieth": float(np.quantile(coverage, 0.05)), "least": coverage.min()}


def coverage_of_superiority(n_patients: int) -> dict[str, float]:
    """Return mean and least of the exact coverage over `UNCHANGED` and `WORSE`."""
    better, worse = (grid.ravel() for grid in np.meshgrid(*[np.arange(n_patients + 1.0)] * 2, indexing="ij"))
    is_possible = better + worse <= n_patients
    better, worse = better[is_possible], worse[is_possible]
    low, high = superiority_limits(better, worse, float(n_patients), LEVEL)
    counts = np.column_stack((better, worse, n_patients - better - worse))
    coverage = []
    for unchanged in UNCHANGED:
        for share_worse in WORSE:
            improved = 1.0 - unchanged - share_worse
            if improved < share_worse:
                continue  # the mirror image of another
            chances = multinomial.pmf(counts, n_patients, (improved, share_worse, unchanged))
            truth = improved + unchanged / 2.0
            coverage.append(float(chances[(low <= truth + ROUNDING) & (truth - ROUNDING <= high)].sum()))
    return {"mean": float(np.mean(coverage)), "least": min(coverage)}


def coverage_of_standardized(n_patients: int, log_odds_ratio: float) -> dict[str, float]:
    """Return the simulated coverage of the standardized difference, and how often it could be worked out."""
    rng = np.random.default_rng([n_patients, int(10 * log_odds_ratio)])
    held = answered = 0
    truth = true_difference(log_odds_ratio)
    treated = np.repeat([True, False], n_patients)
    for _ in range(REPLICATES):
        baseline = np.concatenate([rng.normal(*moments, n_patients) for moments in BASELINES])
        event = rng.random(2 * n_patients) < expit(logit_of(baseline) + log_odds_ratio * treated)
        try:
            found = standardized_shares(event, treated, baseline[:, None], LEVEL).difference
        except ValueError:
            continue
        answered += 1
        held += found.conf_low <= truth <= found.conf_high
    return {"coverage": held / answered, "answered": answered / REPLICATES}


def logit_of(baseline: np.ndarray) -> np.ndarray:
    """Return the log odds of improvement without treatment; who starts worse improves more often."""
    return -0.6 + 0.12 * (baseline - 16.0)


def true_difference(log_odds_ratio: float) -> float:
    """Return the difference of the shares averaged over the baseline scores of both cohorts."""
    points = np.linspace(-8.0, 8.0, 4001)
    weight = np.exp(-(points**2) / 2.0)
    parts = []
    for mean, sd in BASELINES:
        logits = logit_of(mean + sd * points)
        gain = expit(logits + log_odds_ratio) - expit(logits)
        parts.append(float((weight * gain).sum() / weight.sum()))
    return sum(parts) / len(parts)


def measure() -> dict[str, object]:
    """Compute everything."""
    return {
        "level": LEVEL,
        "shares": list(SHARES),
        **{kind: {str(n): coverage_of_shares(kind, n) for n in SIZES} for kind in INTERVALS},
        "differences": {
            kind: {f"{one} and {other}": coverage_of_differences((one, other), kind) for one, other in PAIRS_OF_SIZES}
            for kind in INTERVALS
        },
        "superiority": {str(n): coverage_of_superiority(n) for n in SIZES},
        "standardized": {
            f"{n} a cohort, odds ratio {np.exp(effect):.1f}": coverage_of_standardized(n, effect)
            for n, effect in STANDARDIZED
        },
    }


def rounded(value: object) -> object:
    """Return the same with six decimals."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


def summary(numbers: dict) -> list[str]:
    """Return what the docs page quotes."""
    lines = []
    for kind in INTERVALS:
        for size, values in numbers[kind].items():
            lines.append(f"{kind}, {size}: mean {np.mean(values):.4f}, least {min(values):.4f}")
        for sizes, found in numbers["differences"][kind].items():
            lines.append(f"difference, {kind}, {sizes}: mean {found['mean']:.4f}, least {found['least']:.4f}")
    for size, found in numbers["superiority"].items():
        lines.append(f"superiority, {size}: mean {found['mean']:.4f}, least {found['least']:.4f}")
    for name, found in numbers["standardized"].items():
        lines.append(f"standardized, {name}: {found['coverage']:.4f} (answered {found['answered']:.4f})")
    return lines


STYLES = (("#00588A", "-"), ("#E07B00", (0, (5, 1.6))), ("#1F1F1F", (0, (1.2, 1.4))))
LEAST_SHOWN = 0.82


def draw(numbers: dict) -> None:
    """Draw one panel an interval of shares, one of all differences, one of what is made of models and scores."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "share_coverage", "font.family": "DejaVu Sans", "font.size": 9.0})
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 6.4), layout="constrained")
    top, bottom = figure.subplots(2, 2)
    for axes, kind, title in zip(top, INTERVALS, ("Share: exact (default)", "Share: Wilson"), strict=True):
        for (size, values), (color, line) in zip(numbers[kind].items(), STYLES, strict=True):
            axes.plot(numbers["shares"], values, color=color, linestyle=line, linewidth=0.9, label=f"n = {size}")
        axes.set(title=title, xlabel="true share", xlim=(0, 1))
        axes.legend(frameon=False, fontsize=8, loc="lower center", ncols=3)
    draw_differences(bottom[0], numbers["differences"])
    draw_others(bottom[1], numbers)
    for axes in (*top, *bottom):
        axes.axhline(numbers["level"], color="#767676", linewidth=0.8, zorder=0)
        axes.axhline(0.92, color="#767676", linewidth=0.8, linestyle=":", zorder=0)
        axes.set(ylim=(LEAST_SHOWN, 1.003), ylabel="share of 95 % intervals\nthat hold the truth")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURE, metadata={"Date": None, "Creator": None})


def draw_differences(axes: Axes, found: dict) -> None:
    """Draw mean, 5 % quantile and least over all pairs of shares, for both kinds of limits."""
    for kind, shift, (color, _), marker in zip(INTERVALS, (-0.12, 0.12), STYLES, "os", strict=False):
        places = np.arange(len(found[kind])) + shift
        for place, one in zip(places, found[kind].values(), strict=True):
            axes.plot([place, place], [one["twentieth"], one["mean"]], color=color, linewidth=1.4)
        label = "exact (default)" if kind == "exact" else "Wilson"
        axes.plot(places, [one["mean"] for one in found[kind].values()], marker, color=color, ms=5, label=label)
        leasts = [one["least"] for one in found[kind].values()]
        axes.plot(places, leasts, "_", color=color, markersize=9, markeredgewidth=1.8)
    names = [name.replace(" and ", "\n") for name in found[INTERVALS[0]]]
    axes.set_xticks(range(len(names)), names)
    axes.set(title="Difference: mean, lowest 5 %, least", xlabel="patients in the two cohorts")
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def draw_others(axes: Axes, numbers: dict) -> None:
    """Draw superiority (mean and least) and the simulated standardized differences with their Monte-Carlo error."""
    labels = []
    for place, (size, found) in enumerate(numbers["superiority"].items()):
        axes.plot([place, place], [found["least"], found["mean"]], color=STYLES[0][0], linewidth=1.4)
        axes.plot([place], [found["mean"]], "o", color=STYLES[0][0], markersize=5)
        axes.plot([place], [found["least"]], "_", color=STYLES[0][0], markersize=9, markeredgewidth=1.8)
        labels.append(f"{size}\n ")
    for place, (name, found) in enumerate(numbers["standardized"].items(), start=len(labels)):
        reach = 1.96 * np.sqrt(found["coverage"] * (1 - found["coverage"]) / REPLICATES)
        ends = [found["coverage"] - reach, found["coverage"] + reach]
        axes.plot([place, place], ends, color=STYLES[2][0], linewidth=1.2)
        axes.plot([place], [found["coverage"]], "s", color=STYLES[2][0], markersize=5)
        labels.append(name.replace(" a cohort, odds ratio ", "\nOR "))
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set(title="Superiority; standardized difference")
    for at, words in ((1.0, "pairs"), (4.5, "patients a cohort, odds ratio")):
        axes.text(at, 0.83, words, ha="center", fontsize=8)


def main() -> None:
    """Measure if that is asked, draw, and print what the page quotes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        NUMBERS.write_text(json.dumps(rounded(measure())) + "\n", encoding="utf-8")
    numbers = json.loads(NUMBERS.read_text(encoding="utf-8"))
    draw(numbers)
    print("\n".join(summary(numbers)))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
