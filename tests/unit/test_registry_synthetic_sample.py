"""`data/sample` is what its README says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from katoutcomes.registry.synthetic.clinic import simulate_tables, write_tables

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
SEED = 20260930
MOST_BYTES = 1_500_000


def test_the_command_would_write_the_same_bytes_now(tmp_path: Path) -> None:
    written = write_tables(simulate_tables(SEED), tmp_path)
    assert sorted(path.name for path in written) == sorted(
        path.name for path in SAMPLE.iterdir() if path.suffix in {".csv", ".json", ".parquet"}
    )
    for path in written:
        assert path.read_bytes() == (SAMPLE / path.name).read_bytes(), path.name
    assert sum(path.stat().st_size for path in written) < MOST_BYTES


def test_the_readme_names_the_command_and_counts_the_rows() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert f"katoutcomes simulate --out data/sample --seed {SEED}" in readme
    counted = dict(re.findall(r"^\| `(\w+\.csv)` \| (\d+) \|$", readme, flags=re.MULTILINE))
    assert len(counted) == 4
    for name, n_rows in counted.items():
        assert len(pd.read_csv(SAMPLE / name, dtype=str)) == int(n_rows)


def test_the_readme_counts_people_right() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    tables = simulate_tables(SEED, time_form="day")
    patients, doses = tables["patients"], tables["sessions"].query("kind == 'dosing'")
    dosed = patients["patient_id"].isin(doses["patient_id"])
    adult, consent, fit = (
        patients["age_years"] >= 18,
        patients["eligible_consent"] == 1,
        patients["eligible_medical"] == 1,
    )
    eligible = patients[dosed & adult & consent & fit]["patient_id"]
    outside = (~dosed).sum(), (dosed & ~consent).sum(), (dosed & ~fit).sum(), (dosed & ~adult).sum()
    assert "{} never dosed, {} without consent, {} medically excluded, {} minors".format(*outside) in " ".join(
        readme.split()
    )
    phq9 = tables["scores"].query("instrument == 'PHQ-9'")
    phq9 = phq9[phq9["patient_id"].isin(eligible)]
    with_baseline = set(phq9.loc[phq9["day"].between(-14, 0), "patient_id"])
    at_week_12 = set(phq9.loc[phq9["day"].between(70, 98), "patient_id"])
    assert (len(eligible), len(with_baseline)) == (600, 600 - 15)
    assert "Fifteen of the 600 have no PHQ-9 in the 14 days" in readme
    assert round(100 * len(with_baseline & at_week_12) / len(with_baseline)) == 85
    gaps = doses.sort_values(["patient_id", "day"]).groupby("patient_id")["day"].diff()
    assert f"{(gaps > 90).sum()} patients had one after a gap of more than 90 days" in readme
