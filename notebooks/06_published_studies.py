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
# # The published studies' tables and figures, from any registry
#
# What a paper on ketamine-assisted therapy prints can be made of any clinic's registry. The layouts here are those of
# four papers and of one national service; **every number is of the synthetic sample clinic**, in which nobody exists.
# Where a way of showing misleads, the same question is answered in another way, and the text says so.
#
# Saved without outputs: run it to see them ([how](README.md)).

# %%
import katoutcomes as kat

registry = kat.read_registry("../data/sample")

# %% [markdown]
# ## Dore 2019: demographics, before and after, subgroups, two raters
#
# The paper draws two bars of means across the bands of severity. A bar of means does not say how many patients changed
# their band, so the patients are counted instead, worsening included.

# %%
dore = kat.published_layout("dore_2019", registry)
for piece in dore.pieces:
    print(f"{piece.result.analysis}: {piece.printed}")

# %%
dore.pieces[1].figure()

# %%
dore.pieces[2].table()

# %% [markdown]
# Change by severity at baseline: who began higher can fall further and falls further by regression to the mean alone.

# %%
dore.pieces[5].table()

# %% [markdown]
# Patient-rated and clinician-rated change, in the patients who have all four scores.

# %%
dore.pieces[-1].table()

# %% [markdown]
# Nothing of the paper's own numbers can be done again: it prints two mean changes, and no n, SD or test statistic was
# seen. No SD is made up for it.

# %% [markdown]
# ## Field Trip 2024: flow, loss per visit, change by visit, case reduction

# %%
field_trip = kat.published_layout("field_trip_2024", registry)
field_trip.pieces[1].figure()

# %%
field_trip.pieces[1].table()

# %%
field_trip.pieces[2].figure()

# %% [markdown]
# The paper states that 82% were lost at 3 months and 95% at 6. Its own counts, 346 and 94 of 1,806, give the second and
# not the first.

# %%
kat.from_summary(share=kat.PrintedCount(n_counted=1806 - 346, n=1806, percent="82"), source="Yermus 2024, 3 months")

# %%
kat.from_summary(share=kat.PrintedCount(n_counted=1806 - 94, n=1806, percent="95"), source="Yermus 2024, 6 months")

# %% [markdown]
# ## McInnes 2022: response by severity at baseline, change against baseline
#
# The visit counts from the end of the induction, so only who stayed until then can have a score there.

# %%
mcinnes = kat.published_layout("mcinnes_2022", registry)
mcinnes.pieces[0].table()

# %%
mcinnes.pieces[1].figure()

# %% [markdown]
# ## Whinkin 2023: change by subgroup, with the interval of the difference

# %%
whinkin = kat.published_layout("whinkin_2023", registry)
whinkin.pieces[0].table()

# %% [markdown]
# The printed numbers of the paper, done again. The p-value of the GAD-7 follows from the pooled t test, and the printed
# interval does not; Welch's test, which does not assume that the groups vary alike, gives p = .11.

# %%
kat.from_summary(
    treatment=kat.PrintedMean(n=14, mean="-6.71", sd="9.15"),
    comparator=kat.PrintedMean(n=104, mean="-2.45", sd="6.01"),
    printed={"p": ".0219", "ci": ("1.37", "8.11")},
    source="Whinkin 2023, GAD-7",
)

# %% [markdown]
# ## NHS Talking Therapies: recovery and reliable change, with denominators
#
# The service counts depression and anxiety together: a reliable change on one and none against it on the other.
# Recovery is of those who began at caseness, improvement and deterioration of everybody with both measures at both
# times. Where the score at the end is missing the last one counts, so whoever left early counts as they were then.

# %%
nhs = kat.published_layout("nhs", registry)
nhs.pieces[0].table()

# %%
nhs.pieces[1].figure()

# %% [markdown]
# The same rows by what was booked at intake; no row here is an effect of it.

# %%
nhs.pieces[1].table()

# %% [markdown]
# ## What may leave the clinic
#
# All pieces pass the same door: small counts are hidden, and what would give them away.

# %%
released = dore.release()
released.pieces[1].table()
