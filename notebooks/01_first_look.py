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
# # A first look
#
# The sample clinic is **synthetic**: nobody in it exists, and the truth behind it is known
# (`data/sample/README.md` states it). This notebook goes the whole way from its files to an honest answer.
#
# Saved without outputs: run it to see them ([how](README.md)).

# %%
import katoutcomes as kat

registry = kat.read_registry("../data/sample")
print(registry.load_report.to_text())

# %% [markdown]
# ## Who, since when, measured when
#
# A *course* is a run of dosing sessions; day 0 is its first dose. Who is left out, and why, is counted by the
# same code that leaves them out.

# %%
definition = kat.CohortDefinition(
    name="eligible first courses",
    criteria=(
        kat.Criterion("eligible_consent", "==", 1, "no consent to research"),
        kat.Criterion("eligible_medical", "==", 1, "not cleared medically"),
        kat.Criterion("age_years", ">=", 18, "under 18 or age unknown"),
    ),
)
cohort = kat.select_cohort(registry, definition)
data = cohort.analysis_set("PHQ-9", treatment="program_booked")
flow = kat.participant_flow(data)
flow.plot()

# %%
kat.describe(data, by="program_booked").to_table()

# %% [markdown]
# ## Change
#
# The mean change of those with both scores, with the number of those who had only the first one beside it. A change
# over time is not an effect of treatment: these patients were measured when they sought help.

# %%
change = kat.change_from_baseline(data)
change.plot("trajectory")

# %%
change.plot("paired_change")

# %%
change.to_table()

# %% [markdown]
# ## What the change meant for patients

# %%
significance = kat.clinical_significance(data, visit="week 12")
significance.plot()

# %%
significance.to_table()

# %% [markdown]
# ## With integration, or ketamine only?
#
# "Had integration" is known only after the first dose, and whoever left early cannot have had it. Such a comparison is
# refused:

# %%
try:
    kat.cohort_difference(data, visit="week 12", treatment="any_integration_by_day_84")
except kat.ImmortalTimeError as refusal:
    print(refusal)

# %% [markdown]
# What was *booked at intake* is known at time zero and can be compared. The truth built into this clinic is a
# difference of −2.08 points at day 84 (`data/sample/README.md`).

# %%
difference = kat.cohort_difference(
    data,
    visit="week 12",
    treatment="program_booked",
    covariates=("age_years", "site", "covariate_affluence", "covariate_trauma_history", "covariate_prognosis"),
)
difference.to_table()

# %%
print(difference.verdict)
for check in difference.checks:
    print("passed" if check.passed else "failed", "-", check.name)

# %% [markdown]
# ## What may leave the clinic
#
# `release` hides small cells and drops individual values. Reports are made from released results only.

# %%
released = kat.release(change)
released.plot("paired_change")
