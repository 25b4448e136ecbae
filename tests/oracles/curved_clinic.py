"""The synthetic clinic's second nature written a second time, from the formulas of its page, with numbers of its own.

    python tests/oracles/curved_clinic.py 1000000

prints the truths that tests/simulation/test_synthetic_clinic_truths.py holds the package to: the effect of the program
booked (everybody; weighted by e (1 - e)) and of beginning integration by day 28, each with its Monte-Carlo error. Every
patient is a column of a table that is walked week by week; nothing of the package is imported.
"""

from __future__ import annotations

import sys

import numpy as np

CLINICS = {  # share of the patients, booking habit, speed, sessions
    "North": (0.40, 0.3, -0.10, 0.3),
    "South": (0.25, 0.8, 0.25, -0.2),
    "East": (0.15, -0.9, -0.30, 0.0),
    "West": (0.12, -0.2, 0.0, 0.2),
    "Central": (0.08, 0.5, 0.30, -0.3),
}
FALLS = (0.10, 0.09, 0.08, 0.06, 0.04, 0.03)
SESSIONS = {"curved_booked": (-1.9, 2.2), "curved_start": (-1.4, 0.9)}


def log_normal(shape, normal):
    """Mean 0, variance 1."""
    mean, variance = np.exp(shape**2 / 2), np.exp(2 * shape**2) - np.exp(shape**2)
    return (np.exp(shape * normal) - mean) / np.sqrt(variance)


def happens(rng_numbers, log_odds):
    return rng_numbers < 1 / (1 + np.exp(-log_odds))


def people(rng, n_patients):
    """Draw until enough have an observed score of 10 or more."""
    share, booking, speed, sessions = np.array(list(CLINICS.values())).T
    clinic = rng.choice(5, size=3 * n_patients, p=share)
    x1, x2, from_state, from_error = rng.normal(size=(4, 3 * n_patients))
    x3 = rng.random(3 * n_patients) < 0.3
    level = 14.5 + 3.7 * log_normal(0.45, from_state) + 1.2 * x3 - 0.5 * (x2 + 0.4 * (x2**2 - 1))
    base = np.clip(np.round(level + 2.4 * log_normal(0.5, from_error)), 0, 27)
    kept = np.flatnonzero(base >= 10)[:n_patients]
    clinic, x1, x2, x3, level, base = (values[kept] for values in (clinic, x1, x2, x3, level, base))
    e = 1 / (1 + np.exp(0.2 - booking[clinic] - 0.8 * np.tanh(x2) - 0.6 * (base >= 20) + 0.5 * (x3 & (x2 < 0))))
    kappa = np.exp(0.2 * np.tanh(x2) - 0.3 * x3 + speed[clinic] + 0.15 * x1 - 0.1 * (x1**2 - 1))
    eases = 0.4 * np.tanh(x2) + 0.3 * x3 + sessions[clinic]
    return {"x2": x2, "T": level, "B": base, "e": e, "kappa": kappa, "eases": eases, "P": rng.random(len(e)) < e}


def last_score(who, numbers, mechanism, delta, rho, program=None, strategy=None):
    """Return the score of week 12 of everybody, under a program or a strategy."""
    intercept, pull = SESSIONS[mechanism]
    booked = who["P"] if program is None else np.full(len(who["P"]), bool(program))
    level, last, here = who["T"].copy(), who["B"].copy(), np.ones(len(booked), dtype=bool)
    count, before = np.zeros(len(booked)), np.zeros(len(booked), dtype=bool)
    for week, (session_u, record_u, leave_u, move_z, error_z) in enumerate(numbers):
        log_odds = intercept + pull * booked + 0.6 * (last >= 15) - 0.6 * (last <= 5) + who["eases"] + 0.6 * before
        session = happens(session_u, log_odds)
        if week < 4 and strategy == "none":
            session[:] = False
        if week == 3 and strategy == "start":
            session |= count == 0
        session &= here
        height = np.maximum(level, 0)
        if week < 6:
            stays = -FALLS[week] * who["kappa"] * height
        else:
            stays = np.where(level <= who["T"] / 2, 0.02, 0.06) * (who["T"] - level)
        stays = stays - session * delta * height / 10 * 0.85**count
        gone = np.where(last <= 7, 0.03, 0.15) * (who["T"] - level)
        level = level + np.where(here, stays, gone)
        level = level + (0.5 + 0.035 * np.maximum(level, 0)) * move_z
        score = np.clip(np.round(level + (0.9 + 0.07 * np.maximum(level, 0)) * log_normal(0.5, error_z)), 0, 27)
        in_care = 2 - 1.2 * (last >= 20) - 1.0 * (last <= 4)
        recorded = happens(record_u, np.where(here, in_care, -0.8 - 0.7 * (last <= 6)))
        last = np.where(here & recorded, score, last)
        count, before = count + session, session
        despair = (week >= 2) & (last >= who["B"])
        leaving = -3.3 + 1.5 * (last <= 6) + despair - 0.3 * who["x2"] + rho * (count > 0)
        here = here & ~happens(leave_u, leaving)
    return score


def truths(n_patients, seed=20261122, delta=0.5, rho=-0.5):
    """Return (effect, error) of the program, of the program with overlap weights, and of beginning by day 28."""
    rng = np.random.default_rng(seed)
    program, weights, start = [], [], []
    for _ in range(max(1, n_patients // 50_000)):
        n_here = min(n_patients, 50_000)
        who = people(rng, n_here)
        numbers = [(*rng.random((3, n_here)), *rng.normal(size=(2, n_here))) for _ in range(12)]
        pair = [last_score(who, numbers, "curved_booked", delta, rho, program=arm) for arm in (1, 0)]
        program.append(pair[0] - pair[1])
        weights.append(who["e"] * (1 - who["e"]))
        pair = [last_score(who, numbers, "curved_start", delta, rho, strategy=name) for name in ("start", "none")]
        start.append(pair[0] - pair[1])
    program, weights, start = (np.concatenate(one) for one in (program, weights, start))
    found = []
    for value, weight in ((program, np.ones_like(weights)), (program, weights), (start, np.ones_like(weights))):
        mean = np.average(value, weights=weight)
        found.append((float(mean), float(np.sqrt(np.sum((weight * (value - mean)) ** 2)) / weight.sum())))
    return found


if __name__ == "__main__":
    for line in truths(int(sys.argv[1])):
        print(*line)  # noqa: T201
