"""What is true in a cell: the scenario fitted to what the planner asks for, and its truth from many patients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.workflows.simulation.design import Cell, SimulationDesign

if TYPE_CHECKING:
    from katoutcomes.registry.synthetic.scenarios import Scenario

_PATIENTS_TO_FIT, _PATIENTS_TO_SHIFT = 40_000, 20_000
_STEPS = 12
"""Halvings of the range of the shift, to .004 in the log odds."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class World:
    """What is true in the cells of one exposure, clinic and scenario.

    Attributes
    ----------
    session_effect_points, recording_shift : float
        What of the scenario was fitted.
    truth, truth_error : float
        The difference that the default estimates, in points, and its Monte-Carlo standard error: for the program
        booked at time zero among those for whom either program was likely, for integration begun later in everybody.
    """

    session_effect_points: float
    recording_shift: float
    truth: float
    truth_error: float

    def scenario(self, cell: Cell) -> Scenario:
        """Return the scenario of a cell."""
        from katoutcomes.registry.synthetic.scenarios import find_scenario

        chosen = find_scenario(cell.scenario, self.session_effect_points)
        return replace(chosen, recording_shift=self.recording_shift)


def world_of(design: SimulationDesign, cell: Cell) -> World:
    """Fit the scenario of a cell to the design and compute its truth."""
    from katoutcomes.registry.synthetic.scenarios import find_scenario

    scenario = find_scenario(cell.scenario)
    works = scenario.session_effect_points > 0.0
    for _ in range(_ROUNDS):  # the effect changes who stays, and so who is scored; both settle fast
        if design.missing_share is not None:
            scenario = replace(scenario, recording_shift=_fitted_shift(design, cell, scenario))
        if design.effect is not None and works:
            found, _ = _truth(design, cell, scenario, _PATIENTS_TO_FIT)
            scenario = replace(scenario, session_effect_points=scenario.session_effect_points * design.effect / found)
    truth, truth_error = _truth(design, cell, scenario, design.n_truth) if works else (0.0, 0.0)
    return World(scenario.session_effect_points, scenario.recording_shift, truth, truth_error)


def _truth(design: SimulationDesign, cell: Cell, scenario: Scenario, n_patients: int) -> tuple[float, float]:
    import numpy as np

    from katoutcomes.registry.synthetic.truth import true_program_effect, true_start_effect

    rng = np.random.Generator(np.random.PCG64(design.stream(cell.world, 1)))
    if cell.exposure == "later":
        begun = true_start_effect(rng, n_patients, scenario, cell.mechanism)
        return begun.effect, begun.effect_error
    booked = true_program_effect(rng, n_patients, scenario, cell.mechanism)
    return booked.overlap_effect, booked.overlap_effect_error


def _fitted_shift(design: SimulationDesign, cell: Cell, scenario: Scenario) -> float:
    """Return the shift of the log odds of recording with which the wanted share has no score at the visit."""
    import numpy as np

    from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
    from katoutcomes.registry.synthetic.scenarios import find_mechanism

    rng = np.random.Generator(np.random.PCG64(design.stream(cell.world, 2)))
    mechanism = find_mechanism(cell.mechanism)
    intake = draw_intake(rng, _PATIENTS_TO_SHIFT, scenario, mechanism)
    draws = draw_weeks(rng, _PATIENTS_TO_SHIFT)
    low, high = -8.0, 8.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        course = follow(intake, draws, replace(scenario, recording_shift=middle), mechanism)
        too_many = float((~course.recorded[:, -1]).mean()) > (design.missing_share or 0.0)
        low, high = (middle, high) if too_many else (low, middle)
    return (low + high) / 2.0
