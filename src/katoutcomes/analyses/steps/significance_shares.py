"""The shares of one group of patients at one visit, by every rule in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.score_pairs import paired_scores
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.reliable_change_rule import ReliableChangeRule
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet

JACOBSON_TRUAX = "jacobson_truax"
"""`definition_set` of everything that rests on a reliability coefficient."""


def of_kind(definitions: Sequence[DefinitionSet], kind: str) -> list[DefinitionSet]:
    """Return the definition sets of one kind, in their order."""
    return [definition for definition in definitions if definition.kind == kind]


def significance_shares(
    data: AnalysisSet,
    window: VisitWindow,
    group: Group,
    *,
    rule: ReliableChangeRule,
    definitions: Sequence[DefinitionSet],
    conf_level: float,
) -> list[Estimate]:
    """Return the completeness and every share that the rules in use define.

    Parameters
    ----------
    data, window, group
        Whose scores, at which visit.
    rule : ReliableChangeRule
        For Jacobson and Truax; without a threshold those shares are left out.
    definitions : sequence of DefinitionSet
        The published rules to apply.
    conf_level : float
        Of the Wilson intervals.
    """
    baseline, follow_up = paired_scores(data, window, group)
    shares = _Shares(baseline, follow_up, data.instrument.sign, group.subgroup, window.name, conf_level)
    n_baseline = int((group.mask & data.with_baseline).sum())
    found = [shares.share("paired completeness", "", baseline.size, n_baseline)]
    found += shares.responses(of_kind(definitions, "response"))
    found += shares.remissions(of_kind(definitions, "remission"))
    found += shares.jacobson_truax(rule)
    cases = of_kind(definitions, "caseness")
    for change in of_kind(definitions, "reliable_change"):
        found += shares.service_rule(change, _same_family(change, cases))
    changes = of_kind(definitions, "reliable_change")
    alone = [caseness for caseness in cases if _same_family(caseness, changes) is None]
    return found + [shares.recovery(caseness, caseness.id) for caseness in alone]


def _family(definition: DefinitionSet) -> str:
    """Return the id without the kind at its end: what the sets of one service rule have in common."""
    return definition.id.removesuffix(f"_{definition.kind}")


def _same_family(definition: DefinitionSet, others: Sequence[DefinitionSet]) -> DefinitionSet | None:
    return next((other for other in others if _family(other) == _family(definition)), None)


@dataclass(frozen=True, slots=True)
class _Shares:
    """Baseline and follow-up of the same patients, and what every estimate made of them has in common."""

    baseline: NDArray[np.float64]
    follow_up: NDArray[np.float64]
    sign: int
    subgroup: str
    visit: str
    conf_level: float

    def share(self, term: str, definition_set: str, n_events: int, n_patients: int) -> Estimate:
        from katoutcomes.kernels.proportions import share

        wilson = share(int(n_events), int(n_patients), self.conf_level)
        return Estimate(
            term=term,
            measure="proportion",
            definition_set=definition_set,
            subgroup=self.subgroup,
            visit=self.visit,
            estimate=wilson.estimate,
            conf_low=wilson.conf_low,
            conf_high=wilson.conf_high,
            conf_level=self.conf_level if wilson.n_patients else NOT_A_NUMBER,
            n_patients=wilson.n_patients,
        )

    def responses(self, definitions: Sequence[DefinitionSet]) -> list[Estimate]:
        from katoutcomes.kernels.reliable_change import IMPROVED, has_response_defined, responded, threshold_classes

        found = []
        for definition in definitions:
            scores = (self.baseline, self.follow_up, definition.value, self.sign)
            if definition.is_share:
                n_responded, n_defined = responded(*scores).sum(), has_response_defined(self.baseline).sum()
            else:  # a response in points is defined whatever the baseline
                n_responded, n_defined = (threshold_classes(*scores) == IMPROVED).sum(), self.follow_up.size
            found.append(self.share("response", definition.id, n_responded, n_defined))
        return found

    def remissions(self, definitions: Sequence[DefinitionSet]) -> list[Estimate]:
        from katoutcomes.kernels.reliable_change import at_or_better

        return [
            self.share(
                "remission",
                definition.id,
                at_or_better(self.follow_up, definition.value, self.sign).sum(),
                self.follow_up.size,
            )
            for definition in definitions
        ]

    def jacobson_truax(self, rule: ReliableChangeRule) -> list[Estimate]:
        from katoutcomes.kernels.reliable_change import IMPROVED, RECOVERED, recovery_classes, reliable_change

        if rule.reliability is None or rule.threshold is None:
            return []
        sd, reliability = rule.standard_deviation, rule.reliability.value
        classes = reliable_change(self.baseline, self.follow_up, sd, reliability, sign=self.sign).classes
        found = self.three_classes(classes, JACOBSON_TRUAX)
        if rule.cut_off is None:
            return found
        classes = recovery_classes(self.baseline, self.follow_up, classes, rule.cut_off, self.sign)
        terms = {"recovered": RECOVERED, "improved, not recovered": IMPROVED}
        return found + [
            self.share(term, JACOBSON_TRUAX, (classes == code).sum(), classes.size) for term, code in terms.items()
        ]

    def three_classes(self, classes: NDArray[np.int8], definition_set: str) -> list[Estimate]:
        from katoutcomes.kernels.reliable_change import DETERIORATED, IMPROVED, UNCHANGED

        terms = {
            "reliable improvement": IMPROVED,
            "no reliable change": UNCHANGED,
            "reliable deterioration": DETERIORATED,
        }
        return [self.share(term, definition_set, (classes == code).sum(), classes.size) for term, code in terms.items()]

    def service_rule(self, change: DefinitionSet, caseness: DefinitionSet | None) -> list[Estimate]:
        from katoutcomes.kernels.reliable_change import IMPROVED, threshold_classes

        classes = threshold_classes(self.baseline, self.follow_up, change.value, self.sign)
        found = self.three_classes(classes, change.id)
        if caseness is None:
            return found
        reliable = self.recovery(caseness, change.id, among_improved=classes == IMPROVED)
        return [*found, self.recovery(caseness, change.id), reliable]

    def recovery(
        self, caseness: DefinitionSet, definition_set: str, among_improved: NDArray[np.bool_] | None = None
    ) -> Estimate:
        """Return the share of those at caseness at baseline who no longer are, and improved if that is asked."""
        from katoutcomes.kernels.reliable_change import at_or_worse

        was_case = at_or_worse(self.baseline, caseness.value, self.sign)
        has_recovered = was_case & ~at_or_worse(self.follow_up, caseness.value, self.sign)
        if among_improved is None:
            return self.share("recovery", definition_set, has_recovered.sum(), was_case.sum())
        return self.share("reliable recovery", definition_set, (has_recovered & among_improved).sum(), was_case.sum())
