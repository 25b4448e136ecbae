"""Whom each rule counts, of whom: every share of a clinical significance as two masks over the patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.interval_estimates import share_estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.significance.methods import ClassedPatients
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet
    from katoutcomes.results.estimate import Estimate

THREE_CLASSES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "reliable": ("reliable improvement", "no reliable change", "reliable deterioration"),
        "important": ("improvement that matters", "no change that matters", "deterioration that matters"),
        "relative": ("relative improvement", "no relative change", "relative deterioration"),
    }
)
"""How better, same and worse are called: beyond error, in points that matter, and as shares of the baseline."""


@dataclass(frozen=True, slots=True, eq=False)
class CountedShare:
    """One share before it is counted.

    Attributes
    ----------
    term, definition_set : str
        Of its estimates.
    applies, among : ndarray of bool, shape (n_patients,)
        To whom it applies, and to whom it may; over all patients of the analysis set.
    """

    term: str
    definition_set: str
    applies: NDArray[np.bool_] = field(repr=False)
    among: NDArray[np.bool_] = field(repr=False)

    def counts(self, group: NDArray[np.bool_]) -> tuple[int, int]:
        """Return numerator and denominator among the patients of a group."""
        import numpy as np

        among = self.among & group
        return int(np.count_nonzero(self.applies & among)), int(np.count_nonzero(among))


def of_kind(definitions: Sequence[DefinitionSet], kind: str) -> list[DefinitionSet]:
    """Return the definition sets of one kind, in their order."""
    return [definition for definition in definitions if definition.kind == kind]


def counted_shares(
    data: AnalysisSet,
    window: VisitWindow,
    *,
    methods: Sequence[ClassedPatients],
    definitions: Sequence[DefinitionSet],
) -> tuple[CountedShare, ...]:
    """Return the completeness and every share that the methods and definition sets in use define, in their order."""
    has_both = data.pairs(window.name)
    pairs = _Pairs(has_both, data.baseline[has_both], data.scores_at(window.name)[has_both], data.instrument.sign)
    found = [CountedShare("paired completeness", "", has_both, data.with_baseline)]
    found += pairs.responses(of_kind(definitions, "response"))
    found += pairs.remissions(of_kind(definitions, "remission"))
    for method in methods:
        found += pairs.classed(method)
    cases, changes = of_kind(definitions, "caseness"), of_kind(definitions, "reliable_change")
    for change in changes:
        found += pairs.service_rule(change, _same_family(change, cases))
    for mcid in of_kind(definitions, "mcid"):
        found += pairs.important_change(mcid)
    found += [pairs.recovery(caseness, caseness.id) for caseness in cases if _same_family(caseness, changes) is None]
    return tuple(found)


def share_estimates(
    shares: Sequence[CountedShare], group: Group, *, visit: str, interval: str, conf_level: float
) -> Iterator[Estimate]:
    """Yield the shares of one group with their intervals; a share of nobody is NaN."""
    for one in shares:
        n_counted, n_of = one.counts(group.mask)
        found = share_estimate(one.term, n_counted, n_of, conf_level, interval)
        yield replace(found, definition_set=one.definition_set, subgroup=group.subgroup, visit=visit)


def _family(definition: DefinitionSet) -> str:
    """Return the id without the kind at its end: what the sets of one service rule have in common."""
    return definition.id.removesuffix(f"_{definition.kind}")


def _same_family(definition: DefinitionSet, others: Sequence[DefinitionSet]) -> DefinitionSet | None:
    return next((other for other in others if _family(other) == _family(definition)), None)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """The patients who have both scores, and these scores."""

    has_both: NDArray[np.bool_]
    baseline: NDArray[np.float64]
    follow_up: NDArray[np.float64]
    sign: int

    def share(
        self,
        term: str,
        definition_set: str,
        applies: NDArray[np.bool_],
        among: NDArray[np.bool_] | None = None,
    ) -> CountedShare:
        """Return a share of the pairs, or of some of them; the masks given are over the pairs."""
        return CountedShare(
            term,
            definition_set,
            self._of_everybody(applies),
            self.has_both if among is None else self._of_everybody(among),
        )

    def _of_everybody(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        whole = self.has_both.copy()
        whole[self.has_both] = mask
        return whole

    def responses(self, definitions: Sequence[DefinitionSet]) -> Iterator[CountedShare]:
        from katoutcomes.kernels.individual.reliable_change import (
            IMPROVED,
            has_response_defined,
            responded,
            threshold_classes,
        )

        for definition in definitions:
            scores = (self.baseline, self.follow_up, definition.value, self.sign)
            if definition.is_share:
                yield self.share("response", definition.id, responded(*scores), has_response_defined(self.baseline))
            else:  # a response in points is defined whatever the baseline
                yield self.share("response", definition.id, threshold_classes(*scores) == IMPROVED)

    def remissions(self, definitions: Sequence[DefinitionSet]) -> Iterator[CountedShare]:
        from katoutcomes.kernels.individual.reliable_change import at_or_better

        for definition in definitions:
            in_remission = at_or_better(self.follow_up, definition.value, self.sign)
            yield self.share("remission", definition.id, in_remission)

    def classed(self, method: ClassedPatients) -> Iterator[CountedShare]:
        """Yield the three classes of a method and, where it has a cut-off, those who also came over it."""
        from katoutcomes.kernels.individual.reliable_change import (
            DETERIORATED,
            HARMED,
            IMPROVED,
            RECOVERED,
            combined_classes,
        )

        if method.classes is not None:
            yield from self.three_classes("reliable", method.classes, method.name)
        if method.moved is None:
            return
        if method.classes is None:
            to_functional, to_dysfunctional = method.moved.to_functional, method.moved.to_dysfunctional
            yield self.share("moved to the functional side", method.name, to_functional)
            yield self.share("no move", method.name, ~(to_functional | to_dysfunctional))
            yield self.share("moved to the dysfunctional side", method.name, to_dysfunctional)
            return
        combined = combined_classes(method.classes, method.moved)
        terms = {"recovered": RECOVERED, "improved, not recovered": IMPROVED}
        terms |= {"harmed": HARMED, "deteriorated, not harmed": DETERIORATED}
        for term, code in terms.items():
            yield self.share(term, method.name, combined == code)

    def three_classes(
        self,
        kind: str,
        classes: NDArray[np.int8],
        definition_set: str,
        among: NDArray[np.bool_] | None = None,
    ) -> Iterator[CountedShare]:
        from katoutcomes.kernels.individual.reliable_change import DETERIORATED, IMPROVED, UNCHANGED

        for term, code in zip(THREE_CLASSES[kind], (IMPROVED, UNCHANGED, DETERIORATED), strict=True):
            yield self.share(term, definition_set, classes == code, among)

    def important_change(self, mcid: DefinitionSet) -> Iterator[CountedShare]:
        """Yield the three classes by a minimal important difference, the same for better and for worse."""
        from katoutcomes.kernels.change.anchored_change import anchored_classes, relative_classes
        from katoutcomes.kernels.individual.reliable_change import has_response_defined

        limits = {"improvement": mcid.value, "deterioration": mcid.value}
        if mcid.is_share:
            classes = relative_classes(self.baseline, self.follow_up, sign=self.sign, **limits)
            yield from self.three_classes("relative", classes, mcid.id, has_response_defined(self.baseline))
        else:
            classes = anchored_classes(self.baseline, self.follow_up, sign=self.sign, **limits)
            yield from self.three_classes("important", classes, mcid.id)

    def service_rule(self, change: DefinitionSet, caseness: DefinitionSet | None) -> Iterator[CountedShare]:
        from katoutcomes.kernels.individual.reliable_change import IMPROVED, threshold_classes

        classes = threshold_classes(self.baseline, self.follow_up, change.value, self.sign)
        yield from self.three_classes("reliable", classes, change.id)
        if caseness is not None:
            yield self.recovery(caseness, change.id)
            yield self.recovery(caseness, change.id, improved=classes == IMPROVED)

    def recovery(
        self, caseness: DefinitionSet, definition_set: str, improved: NDArray[np.bool_] | None = None
    ) -> CountedShare:
        """Return the share of those at caseness at baseline who no longer are, and improved if that is asked."""
        from katoutcomes.kernels.individual.reliable_change import at_or_worse

        was_case = at_or_worse(self.baseline, caseness.value, self.sign)
        has_recovered = was_case & ~at_or_worse(self.follow_up, caseness.value, self.sign)
        if improved is None:
            return self.share("recovery", definition_set, has_recovered, was_case)
        return self.share("reliable recovery", definition_set, has_recovered & improved, was_case)
