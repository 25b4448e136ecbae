"""The gate in front of everything that turns a variable into cohorts."""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.cohorts.analysis_set import Variable
from katoutcomes.cohorts.exposure import (
    require_adjustable,
    require_known_at_time_zero,
    require_time_zero,
    sounds_later,
)
from katoutcomes.errors import DesignError, ImmortalTimeError


def flag(name, known_by_day):
    return Variable(name, name, "flag", np.zeros(2), known_by_day=known_by_day)


@pytest.mark.parametrize("known_by_day", [0, -3, None])
def test_what_is_known_at_time_zero_or_of_unstated_timing_may_define_groups(known_by_day):
    require_known_at_time_zero(flag("program_booked", known_by_day))


@pytest.mark.parametrize("known_by_day", [1, 3, 84])
def test_what_is_known_later_may_not_and_the_message_says_why_and_what_to_use(known_by_day):
    with pytest.raises(ImmortalTimeError) as caught:
        require_known_at_time_zero(flag("integration", known_by_day))
    message = str(caught.value)
    assert f"known only by day {known_by_day}, after time zero" in message
    assert "stayed in care long enough" in message
    assert "left early cannot have it" in message
    assert "under no effect at all the comparison shows a difference" in message
    assert "program_booked" in message
    assert "grace period" in message


@pytest.mark.parametrize(
    "name",
    [
        "ever_integration",
        "had_integration",
        "attended_group",
        "received_integration",
        "completed_program",
        "any_integration",
        "any_integration_by_day_84",
        "Ever integration",
        "HAD-INTEGRATION",
        "completers",
        "integration_within_72_hours",
        "integration_sessions_by_day_28",
        "n_doses",
        "nDoses",
        "integration_attended",
        "did_integration",
        "has_had_integration",
        "hadIntegration",
        "sessions_attended",
        "responder",
        "PHQ9 Responders",
        "dropout",
        "dropped_out",
        "drop-out",
        "completion",
        "retained",
        "IntegrationReceived",
        "covariate_had_integration",
    ],
)
def test_a_name_that_says_later_needs_a_statement(name):
    assert sounds_later(name)
    with pytest.raises(ImmortalTimeError, match="treatment_known_by_day=0"):
        require_time_zero(name, None)
    require_time_zero(name, 0)  # stated, so believed


@pytest.mark.parametrize(
    "name",
    [
        "arm",
        "treatment",
        "program_booked",
        "severity",
        "hadley_site",
        "HADS_total",
        "everest",
        "everyday",
        "integration",
        "completeness",
        "covariate_expectancy",
        "doses",
        "anyone",
    ],
)
def test_other_names_need_none(name):
    assert not sounds_later(name)
    require_time_zero(name, None)


def test_a_later_covariate_is_refused_with_its_own_reason():
    require_adjustable(flag("site", 0))
    require_adjustable(flag("site", None))
    with pytest.raises(DesignError, match="adjusting for what the treatment may have changed") as caught:
        require_adjustable(flag("n_doses", 21))
    assert not isinstance(caught.value, ImmortalTimeError)
