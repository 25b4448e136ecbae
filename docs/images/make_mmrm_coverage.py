"""Measure how often 95 % intervals of a repeated-measures model hold the truth, and draw it.

    python docs/images/make_mmrm_coverage.py                    draws mmrm_coverage.svg from mmrm_coverage.json
    python docs/images/make_mmrm_coverage.py --simulate 5000    measures anew first: minutes of CPU

Synthetic patients: two arms, a baseline score, four visits with unstructured residuals. A patient leaves after a visit
with a probability that rises with the last score seen, so scores are missing at random and means of the patients who
stayed are biased. The estimate is the adjusted difference between the arms at the last visit. Seeds are fixed: the
numbers are the same on every machine but for the last digits of a sum.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np

from katoutcomes.kernels.mmrm.fit import fit_repeated_measures
from katoutcomes.kernels.mmrm.inference import linear_model, linear_tests
from katoutcomes.kernels.mmrm.pattern_statistics import aggregate

HERE = Path(__file__).resolve().parent
NUMBERS = HERE / "mmrm_coverage.json"
FIGURE = HERE / "mmrm_coverage.svg"
COMMAND = "python docs/images/make_mmrm_coverage.py --simulate 5000"
SAMPLE_SIZES = (30, 100, 300)
DROP_OUT = (0.2, 0.35, 0.5)
METHODS = ("kenward-roger-linear", "satterthwaite", "asymptotic")
N_VISITS = 4
EFFECTS = np.array([-0.5, -1.5, -2.5, -3.0])
"""True difference between the arms at each visit, in points."""
TIME = np.array([-2.0, -3.5, -4.5, -5.0])
SD = np.array([4.0, 4.5, 5.0, 5.5])
CORRELATION = np.array([[1.0, 0.7, 0.6, 0.5], [0.7, 1.0, 0.75, 0.6], [0.6, 0.75, 1.0, 0.8], [0.5, 0.6, 0.8, 1.0]])
RISE = 0.8
"""Log odds ratio of leaving for a last score higher by one standard deviation."""
LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054


def design() -> np.ndarray:
    """Return the design of arm and baseline, each with a coefficient of its own at every visit."""
    table = np.zeros((N_VISITS, 3 * N_VISITS, 3))
    for visit in range(N_VISITS):
        for column in range(3):
            table[visit, 3 * visit + column, column] = 1.0
    return table


def trial(rng: np.random.Generator, n: int, drop_out: float) -> tuple[np.ndarray, np.ndarray]:
    """Return covariates (arm, baseline) and scores of one synthetic trial, with drop-out at random."""
    arm = np.arange(n) % 2
    baseline = rng.normal(0.0, 4.5, n)
    factor = SD[:, None] * np.linalg.cholesky(CORRELATION)
    noise = rng.standard_normal((n, N_VISITS)) @ factor.T
    scores = 16.0 + TIME + np.outer(arm, EFFECTS) + 0.5 * baseline[:, None] + noise
    # The same share leaves at each step, so that `drop_out` have left by the last visit, on average over the scores.
    hazard = 1.0 - (1.0 - drop_out) ** (1.0 / (N_VISITS - 1))
    seen = np.ones((n, N_VISITS), dtype=bool)
    for visit in range(1, N_VISITS):
        distance = (scores[:, visit - 1] - (16.0 + TIME[visit - 1] + 0.5 * EFFECTS[visit - 1])) / math.hypot(
            SD[visit - 1], 2.25
        )
        # The mean of a logistic curve over a normal variable is about that of a curve this much flatter.
        flatter = math.sqrt(1.0 + math.pi * RISE**2 / 8.0)
        leaves = rng.random(n) < 1.0 / (1.0 + np.exp(-(flatter * math.log(hazard / (1.0 - hazard)) + RISE * distance)))
        seen[:, visit] = seen[:, visit - 1] & ~leaves
    return np.column_stack((arm, baseline)).astype(np.float64), np.where(seen, scores, np.nan)


def simulate(n_sets: int, n: int, drop_out: float, seed: int) -> dict[str, float]:
    """Return the share of synthetic trials whose interval holds the true difference at the last visit, by method."""
    from scipy.special import stdtrit

    rng = np.random.default_rng(seed)
    table = design()
    combination = np.zeros((1, table.shape[1]))
    combination[0, 3 * (N_VISITS - 1) + 1] = 1.0
    held = dict.fromkeys(METHODS, 0)
    left, errors, fitted = 0.0, 0.0, 0
    for _ in range(n_sets):
        z, y = trial(rng, n, drop_out)
        left += float(np.isnan(y[:, -1]).mean())
        fit = fit_repeated_measures(aggregate(z, y), table)
        if fit is None or not fit.convergence.has_converged:
            continue
        fitted += 1
        for method in METHODS:
            found = linear_tests(linear_model(fit, method), combination)
            df = float(found.df[0])
            quantile = NORMAL_QUANTILE if math.isinf(df) else float(stdtrit(df, 0.5 + LEVEL / 2.0))
            held[method] += abs(found.estimate[0] - EFFECTS[-1]) <= quantile * found.std_error[0]
        errors += float(found.estimate[0] - EFFECTS[-1])
    shares = {method: count / fitted for method, count in held.items()}
    return {"n_patients": n, "drop_out": drop_out, "left": left / n_sets, "n_sets": n_sets, "n_fitted": fitted} | {
        "bias": errors / fitted,
        **shares,
    }


def measure(n_sets: int) -> None:
    """Simulate every setting and keep the numbers."""
    settings = [(n, drop_out) for n in SAMPLE_SIZES for drop_out in DROP_OUT]
    rows = []
    for position, (n, drop_out) in enumerate(settings):
        rows.append(simulate(n_sets, n, drop_out, seed=20260930 + position))
        print(rows[-1], flush=True)  # noqa: T201 - minutes pass
    text = json.dumps({"command": COMMAND.replace("5000", str(n_sets)), "settings": rows}, indent=2)
    NUMBERS.write_text(text + "\n", encoding="utf-8", newline="\n")


LABELS = {
    "kenward-roger-linear": "Kenward-Roger (linear)",
    "satterthwaite": "Satterthwaite",
    "asymptotic": "normal (z)",
}
COLORS = {"kenward-roger-linear": "#1b6ca8", "satterthwaite": "#3a9a5b", "asymptotic": "#c2571a"}
MARKERS = {"kenward-roger-linear": "o", "satterthwaite": "s", "asymptotic": "^"}


def draw() -> None:
    """Draw the kept numbers."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = json.loads(NUMBERS.read_text("utf-8"))["settings"]
    with mpl.rc_context({"svg.hashsalt": "mmrm_coverage", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8.0, 3.2), layout="constrained")
        panels = figure.subplots(1, len(SAMPLE_SIZES), sharey=True)
        for axes, n in zip(panels, SAMPLE_SIZES, strict=True):
            chosen = [row for row in rows if row["n_patients"] == n]
            error = NORMAL_QUANTILE * math.sqrt(LEVEL * (1.0 - LEVEL) / chosen[0]["n_fitted"])
            axes.axhspan(100 * (LEVEL - error), 100 * (LEVEL + error), color="0.9", lw=0)
            axes.axhline(100 * LEVEL, color="0.5", lw=0.8)
            for method in METHODS:
                shares = [100 * row[method] for row in chosen]
                left = [100 * row["left"] for row in chosen]
                axes.plot(left, shares, marker=MARKERS[method], color=COLORS[method], label=LABELS[method], lw=1.2)
            axes.set_title(f"{n} patients", fontsize=10)
            axes.set_xlabel("left before the last visit (%)")
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("95 % intervals that hold the truth (%)")
        panels[-1].legend(frameon=False, fontsize=8, loc="lower left")
        figure.savefig(FIGURE, format="svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulate", type=int, metavar="SETS", help="synthetic trials a setting")
    arguments = parser.parse_args()
    if arguments.simulate:
        measure(arguments.simulate)
    draw()
