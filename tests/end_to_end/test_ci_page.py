"""The commands of docs/ci.md, run as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.plans.plan import DEFAULT_PLAN, plan_text

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
GITHUB, GITLAB = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
INSTALL = 'pip install "katoutcomes[report]"'


def github_commands() -> list[str]:
    return re.findall(r"^ +run: (.*)$", GITHUB, flags=re.MULTILINE)


def gitlab_commands() -> list[str]:
    script = GITLAB.split("script:\n", 1)[1].split("artifacts:", 1)[0]
    return re.findall(r"^ +- (.*)$", script, flags=re.MULTILINE)


def ran(commands: list[str], folder: Path, **variables: str) -> None:
    """Run each command in a shell of its own, as CI does, but for the installation."""
    place = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}", **variables}
    for command in commands:
        if command != INSTALL:
            subprocess.run(["bash", "-e", "-c", command], cwd=folder, env=environment, check=True, capture_output=True)


def test_the_jobs_of_both_services_do_the_same() -> None:
    github = [command for command in github_commands() if "GITHUB_STEP_SUMMARY" not in command]
    assert github == gitlab_commands()
    assert github[0] == INSTALL


def test_the_github_workflow_runs(tmp_path: Path) -> None:
    summary = tmp_path / "step_summary.md"
    ran(github_commands(), tmp_path, GITHUB_STEP_SUMMARY=str(summary))
    report = tmp_path / "build" / "report"
    assert summary.read_text(encoding="utf-8") == (report / "summary.md").read_text(encoding="utf-8")
    told = json.loads((report / "summary.json").read_text(encoding="utf-8"))
    assert all(gate["passed"] for gate in told["gates"])
    assert {path.name for path in report.iterdir()} >= {"report.html", "summary.md", "manifest.sha256"}


@pytest.mark.slow
def test_the_gitlab_job_runs(tmp_path: Path) -> None:
    """The same commands as above, which a test holds equal; here in GitLab's way, in one shell."""
    commands = [command for command in gitlab_commands() if command != INSTALL]
    ran(["\n".join(commands)], tmp_path)
    assert (tmp_path / "build" / "report" / "manifest.sha256").exists()


def test_the_limits_of_the_page_are_a_part_of_a_plan(tmp_path: Path) -> None:
    (limits,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    whole = plan_text(DEFAULT_PLAN)
    start, end = whole.index("[gates]"), whole.index("# What is answered")
    (tmp_path / "plan.toml").write_text(f"{whole[:start]}{limits}\n{whole[end:]}", encoding="utf-8")
    gates = kat.AnalysisPlan.read(tmp_path / "plan.toml").gates
    assert gates.least_paired_completeness == 0.6
    assert dict(gates.most_rows) == dict.fromkeys(
        ("total_range", "item_range", "total_equals_items", "one_score_a_day"), 0
    )
