"""Measure how often the intervals of shares and of their differences hold the truth, and draw it.

    python docs/images/make_share_coverage.py                  draws share_coverage.svg from share_coverage.json
    python docs/images/make_share_coverage.py --measure        computes the numbers anew first: about a minute of CPU

Wilson, exact and Newcombe intervals: no simulation. Every possible count is taken with its binomial probability, so the
coverage is exact, for shares from 1 % to 99 %. Standardized differences: 4,000 simulated pairs of cohorts each, whose
baseline scores differ and decide part of who improves; the truth is the average of the known probabilities over the
patients' distribution. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import binom

from katoutcomes.kernels.shares.proportion_difference import share_difference
from katoutcomes.kernels.shares.proportions import share
from katoutcomes.kernels.shares.standardized_shares import standardized_shares

HERE = Path(__file__).resolve().parent
NUMBERS, FIGURE = HERE / "share_coverage.json", HERE / "share_coverage.svg"
LEVEL = 0.95
SIZES = (20, 50, 200)
SHARES = tuple(round(0.01 * step, 2) for step in range(1, 100))
PAIRS_OF_SIZES = ((20, 20), (50, 50), (30, 100), (200, 200))
COARSE = tuple(round(0.05 * step, 2) for step in range(1, 20))
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


def coverage_of_differences(sizes: tuple[int, int]) -> list[float]:
    """Return the exact coverage of Newcombe's interval for every pair of `COARSE` shares."""
    n_one, n_other = sizes
    counts = list(product(range(n_one + 1), range(n_other + 1)))
    found = [share_difference(one, n_one, other, n_other, LEVEL) for one, other in counts]
    low, high = (np.array([getattr(each, name) for each in found]) for name in ("conf_low", "conf_high"))
    coverage = []
    for one, other in product(COARSE, COARSE):
        chances = np.outer(binom.pmf(range(n_one + 1), n_one, one), binom.pmf(range(n_other + 1), n_other, other))
        coverage.append(float(chances.ravel()[(low <= one - other) & (one - other <= high)].sum()))
    return coverage


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
        "wilson": {str(n): coverage_of_shares("wilson", n) for n in SIZES},
        "exact": {str(n): coverage_of_shares("exact", n) for n in SIZES},
        "newcombe": {f"{one} and {other}": coverage_of_differences((one, other)) for one, other in PAIRS_OF_SIZES},
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
    for kind in ("wilson", "exact", "newcombe"):
        for size, values in numbers[kind].items():
            lines.append(f"{kind}, {size}: mean {np.mean(values):.4f}, least {min(values):.4f}")
    for name, found in numbers["standardized"].items():
        lines.append(f"standardized, {name}: {found['coverage']:.4f} (answered {found['answered']:.4f})")
    return lines


def draw(numbers: dict) -> None:
    """Draw one panel an interval of shares, and one of all differences."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "share_coverage", "font.family": "DejaVu Sans", "font.size": 9.0})
    from matplotlib.figure import Figure

    styles = (("#00588A", "-"), ("#E07B00", (0, (5, 1.6))), ("#1F1F1F", (0, (1.2, 1.4))), ("#B8478B", "-."))
    figure = Figure(figsize=(7.5, 6.4), layout="constrained")
    top, bottom = figure.subplots(2, 2)
    for axes, kind, title in zip(top, ("wilson", "exact"), ("Wilson (default)", "Exact"), strict=True):
        for (size, values), (color, line) in zip(numbers[kind].items(), styles, strict=False):
            axes.plot(numbers["shares"], values, color=color, linestyle=line, linewidth=1.1, label=f"n = {size}")
        axes.set(title=title, xlabel="true share", xlim=(0, 1), ylim=(0.82, 1.0))
        axes.legend(frameon=False, fontsize=8, loc="lower center", ncols=3)
    axes = bottom[0]
    for place, values in enumerate(numbers["newcombe"].values()):
        axes.plot([place, place], np.quantile(values, (0.05, 0.95)), color=styles[0][0], linewidth=1.6)
        axes.plot([place], [np.mean(values)], "o", color=styles[0][0], markersize=5.5)
        axes.plot([place], [min(values)], "_", color=styles[1][0], markersize=9, markeredgewidth=1.6)
    axes.set_xticks(range(len(numbers["newcombe"])), [name.replace(" and ", "\n") for name in numbers["newcombe"]])
    axes.set(title="Newcombe: mean, middle 90 %, least", xlabel="patients in the two cohorts", ylim=(0.82, 1.0))
    axes = bottom[1]
    for place, found in enumerate(numbers["standardized"].values()):
        reach = 1.96 * np.sqrt(found["coverage"] * (1 - found["coverage"]) / REPLICATES)
        axes.plot(
            [place, place], [found["coverage"] - reach, found["coverage"] + reach], color="#1F1F1F", linewidth=1.2
        )
        axes.plot([place], [found["coverage"]], "s", color="#1F1F1F", markersize=5)
    labels = [name.replace(" a cohort, odds ratio ", "\nOR ") for name in numbers["standardized"]]
    axes.set_xticks(range(len(labels)), labels)
    axes.set(title="Standardized difference (simulated)", xlabel="patients a cohort, odds ratio", ylim=(0.82, 1.0))
    for axes in (*top, *bottom):
        axes.axhline(numbers["level"], color="#767676", linewidth=0.8, zorder=0)
        axes.set_ylabel("share of 95 % intervals\nthat hold the truth")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURE, metadata={"Date": None, "Creator": None})


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
