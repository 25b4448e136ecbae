"""The same registry and the same numbers through Spark Connect, in a process of its own: one cannot hold both kinds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.xdist_group("spark")]

PROGRAM = """
import sys

from pyspark.sql import SparkSession

import katoutcomes as kat
from katoutcomes.registry.engines.spark_engine import SparkEngine
from katoutcomes.registry.synthetic.clinic import simulate_tables

spark = SparkSession.builder.remote("local[2]").getOrCreate()
try:
    SparkEngine(spark)
except kat.OptionError as error:
    print("without a folder:", error)
tables = simulate_tables(20260930, n_patients=40)
answers = []
for engine in (None, SparkEngine(spark, folder=sys.argv[1])):
    registry = kat.read_registry(tables, is_synthetic=True, engine=engine)
    result = kat.change_from_baseline(kat.select_cohort(registry).analysis_set())
    answers.append((registry.digest, result.to_json()))
    registry.close()
print("the same:", answers[0] == answers[1])
spark.stop()
"""


def test_connect_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pyspark.sql")
    pytest.importorskip("grpc")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    said = tmp_path / "said.txt"
    with said.open("w", encoding="utf-8") as out:  # a file: the server of Spark may hold a pipe open for longer
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "stages")]
        ran = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False, timeout=300)
    text = said.read_text(encoding="utf-8")
    assert ran.returncode == 0, text[-2000:]
    assert "without a folder: a session of Spark Connect needs a folder" in text
    assert "the same: True" in text
