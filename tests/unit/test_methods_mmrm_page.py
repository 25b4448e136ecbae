"""The page about the model for repeated measures, held against the code: its example runs, its lists are whole."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.repeated_measures.design import WEIGHTS
from katoutcomes.analyses.steps.repeated_measures.fitting import _PERFECT, COVARIANCES, DF_METHODS, VARIANCES, _why
from katoutcomes.kernels.mmrm.fit import Convergence
from katoutcomes.kernels.mmrm.structures import n_parameters

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "methods" / "mmrm.md").read_text(encoding="utf-8")
FOUND = {"is_stationary": True, "is_curved": True, "is_regular": True, "are_pairs_observed": True}


def in_one_line(text):
    return re.sub(r"\s+", " ", text)


@cache
def example():
    """Run the example and return its names."""
    names: dict[str, object] = {}
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(text, names)  # noqa: S102 - our own page
    return names


def test_the_example_runs():
    names = example()
    late = names["late"]
    assert isinstance(late, kat.Result)
    assert len(late.estimates) == 1
    careful = names["careful"]
    assert isinstance(careful, kat.Result)
    assert "unstructured" in careful.method.description


@pytest.mark.parametrize(("name", "short"), COVARIANCES.items())
def test_every_structure_has_its_row_and_its_parameters(name, short):
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | `{short}` |"))
    formula = row.split("|")[-2].strip()
    for visits in (3, 4, 7):
        python = re.sub(r"(\d)V", r"\1*V", formula).replace("V(", "V*(").replace("−", "-").replace("V", str(visits))
        assert eval(python) == n_parameters(short, visits)  # noqa: S307 - our own page


@pytest.mark.parametrize("word", [*DF_METHODS, *VARIANCES[1:], *WEIGHTS])
def test_every_choice_is_explained(word):
    assert f"`{word}`" in PAGE or f'"{word}"' in PAGE


@pytest.mark.parametrize("missing", FOUND)
def test_every_message_is_explained(missing):
    message = _why(Convergence(iterations=3, decrement=0.0, largest_gradient=0.0, **(FOUND | {missing: False})))
    first_words = " ".join(message.split(",")[0].split(":")[0].split(";")[0].split()[:4])
    assert first_words.replace("the covariance of the", "the covariance became") in in_one_line(PAGE)
    assert ";" in message, "what to do is said after what is wrong"


def test_the_message_of_a_perfect_fit_is_explained():
    assert _PERFECT.split(",", 1)[0] in PAGE


def test_every_term_is_listed():
    result = example()["result"]
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    for measure in {one.measure for one in result.estimates}:
        assert any(measure in row.split("|")[2] for row in rows), measure
    for term in ("baseline, in the model", "follow-up, adjusted", "change, adjusted", "residual"):
        assert result.select(term=term)
        assert f"| `{term}` |" in PAGE
