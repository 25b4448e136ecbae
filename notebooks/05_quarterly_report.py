# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The report of a quarter
#
# One call makes what a clinic lead reads once a quarter: a page, a PDF, a summary for CI, figures and tables, all of
# them from released results, in which small counts are hidden. The clinic is synthetic; its truth is known.
#
# Saved without outputs: run it to see them ([how](README.md)).

# %%
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import katoutcomes as kat

sample = Path("../data/sample")
place = Path(tempfile.mkdtemp())

# %% [markdown]
# The report is about the patients whose first dose lies in the quarter or in one of the eight before it. By itself a
# quarter has too few patients to say much, and most of its counts would be hidden. Here the plan is the default one
# with the PHQ-9 alone.

# %%
plan = replace(kat.AnalysisPlan.default(), instruments=("PHQ-9",))
written = kat.quarterly_report(sample, place / "report", quarter="2025Q4", plan=plan, pdf=False)
sorted(path.name for path in written.files if path.parent.name == "report")

# %% [markdown]
# ## Page one
#
# The numbers of page one stand in a table of their own. "hidden" and "<11" are answers too: a count below 11 is in
# them, or would follow from them.

# %%
print((place / "report" / "tables" / "key_numbers.csv").read_text(encoding="utf-8"))

# %% [markdown]
# The same in sentences, as the page and the summary say it.

# %%
summary = json.loads((place / "report" / "summary.json").read_text(encoding="utf-8"))
for sentence in summary["headline"]:
    print("-", sentence)

# %% [markdown]
# ## Limits of quality
#
# The plan names limits before the data are looked at. The command ends with 2 if one is not kept; here they are kept.

# %%
{gate["message"]: gate["passed"] for gate in summary["gates"]}

# %%
written.failed_gates

# %% [markdown]
# ## In three steps
#
# What leaves the clinic can also be made by itself: run the plan (the results stay in the clinic), release them, and
# make the report of the released results alone. `docs/how_to/run_a_plan.md` has the commands.

# %%
results = kat.run(plan, kat.read_registry(sample))
released = results.release()
released.of("clinical_significance", "PHQ-9")

# %% [markdown]
# A figure knows its data and what it says to somebody who cannot see it.

# %%
figure = released.of("change_from_baseline", "PHQ-9").plot("trajectory")
print(figure.alt_text)
figure

# %% [markdown]
# ## What this cannot say
#
# There is no untreated group in these data, so nothing here shows what the treatment itself did; every report ends
# with that.

# %%
content = (place / "report" / "summary.md").read_text(encoding="utf-8")
print(content[content.index("## What this cannot say") : content.index("## Words used here")])
