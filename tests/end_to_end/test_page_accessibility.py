"""The page in a browser: an automated checker of accessibility (axe-core) finds nothing serious.

It needs Chromium and npm, neither of which the package needs; where they are missing it is skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("sample report")

AXE = "axe-core@4"
SERIOUS = {"serious", "critical"}
SCREEN, PHONE = 1280, 500
"""Widths in pixels; Chromium's windows have at least 500, where the page is laid out as on a phone."""
RUN = """
<script>
axe.run(document, {resultTypes: ["violations"]}).then(found => {
  const told = found.violations.map(one => ({id: one.id, impact: one.impact, nodes: one.nodes.map(node => node.html)}));
  document.body.innerHTML = "";
  const place = document.createElement("pre");
  place.id = "found";
  place.textContent = JSON.stringify({violations: told, passes: found.passes.length});
  document.body.append(place);
});
</script>
"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("npm") is None or shutil.which("chromium") is None:
        pytest.skip("needs Chromium and npm")
    folder = tmp_path_factory.mktemp("axe")
    fetched = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), AXE], capture_output=True, check=False
    )
    if fetched.returncode:
        pytest.skip("axe-core cannot be fetched")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: str, axe: str, folder: Path, width: int = SCREEN) -> list[dict[str, Any]]:
    path = folder / "checked.html"
    path.write_text(page.replace("</body>", f"<script>{axe}</script>{RUN}</body>"), encoding="utf-8")
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    browser.append(f"--window-size={width},900")
    shown = subprocess.run(
        [*browser, "--virtual-time-budget=60000", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    ).stdout
    told = shown.split('<pre id="found">', 1)[1].split("</pre>", 1)[0]
    found: dict[str, Any] = json.loads(unescape(told))
    assert found["passes"] > 0
    listed: list[dict[str, Any]] = found["violations"]
    return listed


@pytest.fixture(scope="module")
def page(sample_report: Path) -> str:
    return (sample_report / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [SCREEN, PHONE])
def test_nothing_serious_on_the_page(page: str, axe: str, tmp_path: Path, width: int) -> None:
    found = violations(page, axe, tmp_path, width)
    assert [(one["id"], one["nodes"][:3]) for one in found if one["impact"] in SERIOUS] == []
    assert found == []


def test_the_checker_finds_what_is_planted(page: str, axe: str, tmp_path: Path) -> None:
    broken = page.replace('<html lang="en">', "<html>").replace("--soft: #", "--soft: #e0e0e0; --other: #")
    assert {"html-has-lang", "color-contrast"} <= {one["id"] for one in violations(broken, axe, tmp_path)}
