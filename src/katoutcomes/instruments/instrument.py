"""What a score means: the records that a definition file becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from katoutcomes.errors import OptionError, require_option
from katoutcomes.instruments.item_arithmetic import ItemRange, Metric, ProratingRule, Scoring
from katoutcomes.instruments.loinc_codes import LoincCodes
from katoutcomes.vocabulary import DIRECTIONS

DEFINITION_KINDS: tuple[str, ...] = (
    "bands",
    "caseness",
    "response",
    "remission",
    "reliable_change",
    "mcid",
    "response_score",
)
DEFINITION_UNITS: tuple[str, ...] = ("", "points", "share_of_baseline")
RELIABILITY_KINDS: tuple[str, ...] = ("internal_consistency", "retest")
USES: tuple[str, ...] = ("outcome", "session_state", "global_change", "categories")


@dataclass(frozen=True, slots=True)
class Band:
    """A named range of scores, both ends included."""

    label: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DefinitionSet:
    """One cited way of reading a score. Sources disagree, so each has a name and every output prints it.

    Attributes
    ----------
    id : str
        Unique in the catalog, ``"<instrument id>/<name>"``, for example ``"phq9/nhs_talking_therapies_caseness"``.
    kind : {"bands", "caseness", "response", "remission", "reliable_change", "mcid", "response_score"}
        What it defines.
    value : float
        * caseness: the least severe score that is a case (``>=`` where higher is worse, ``<=`` otherwise);
        * remission: the most severe score that is remission (``<=`` where higher is worse, ``>=`` otherwise);
        * response: the smallest share of the baseline score by which it must improve (0.5 = half), or, where the
          unit is points, the smallest improvement;
        * reliable_change: the smallest change, in points, that counts, in either direction;
        * mcid: the smallest improvement that matters to patients, in points or as a share of the baseline;
        * response_score: the most severe score that is a response by itself, without a baseline (``<=`` where higher
          is worse, ``>=`` otherwise), for scales that rate a change, such as the CGI-I;
        * bands: NaN.
    bands : tuple of Band
        Bands from least to most severe; empty for the other kinds.
    source : str
        Citation.
    is_default : bool
        Whether it is used when nothing is named; at most one a kind, and only where a source was seen.
    unit : {"", "points", "share_of_baseline"}
        What `value` counts where the kind leaves a choice; ``""`` is the unit that is usual for the kind: a share of
        the baseline for a response, points for everything else.
    """

    id: str
    kind: str
    value: float
    bands: tuple[Band, ...]
    source: str
    is_default: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        require_option("kind of a definition set", self.kind, DEFINITION_KINDS)
        require_option("unit of a definition set", self.unit, DEFINITION_UNITS)

    @property
    def is_share(self) -> bool:
        """Whether `value` is a share of the baseline score; otherwise it is in points."""
        return self.unit == "share_of_baseline" or (self.unit == "" and self.kind == "response")


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability coefficient and where it comes from.

    Attributes
    ----------
    value : float
        Between 0 and 1, both excluded.
    kind : {"internal_consistency", "retest"}
        The two give reliable-change thresholds several points apart, so the kind is always printed.
    source : str
        Citation or description of the sample; must not be empty.

    Examples
    --------
    >>> Reliability(0.91, "internal_consistency", "Beck 1996").value
    0.91
    """

    value: float
    kind: str
    source: str

    def __post_init__(self) -> None:
        require_option("kind of reliability", self.kind, RELIABILITY_KINDS)
        if not 0.0 < self.value < 1.0:
            raise OptionError("a reliability lies between 0 and 1, both excluded.")
        if not self.source.strip():
            raise OptionError("a reliability needs its source.")


@dataclass(frozen=True, slots=True)
class Norms:
    """Means and standard deviations of a functional and a dysfunctional population.

    Attributes
    ----------
    functional_mean, functional_sd : float
        People without the disorder.
    dysfunctional_mean, dysfunctional_sd : float
        People with it, before treatment. NaN where only the functional population is known.
    source : str
        Citation(s); must not be empty.
    """

    functional_mean: float
    functional_sd: float
    dysfunctional_mean: float
    dysfunctional_sd: float
    source: str

    def __post_init__(self) -> None:
        for sd in (self.functional_sd, self.dysfunctional_sd):
            if not (math.isnan(sd) or sd > 0.0):
                raise OptionError("a standard deviation of norms must be above 0.")
        if not self.source.strip():
            raise OptionError("norms need their source.")


@dataclass(frozen=True, slots=True)
class Unverified:
    """A value that circulates and was not seen in a source. It is shown, and nothing computes with it.

    Attributes
    ----------
    kind : str
        What it is about, for example ``"remission"``.
    text : str
        What is said, and what is missing.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A scale in one version: its items, range and direction, and the cited ways of reading it. No item wording.

    Attributes
    ----------
    id : str
        Lower case, for example ``"phq9"``.
    name : str
        As papers print it, ``"PHQ-9"``.
    full_name : str
        ``"Patient Health Questionnaire-9"``.
    aliases : tuple of str
        Other spellings that mean this scale and no other.
    construct : str
        What it measures: ``"depression"``, ``"anxiety"``, ``"ptsd"``, ...
    rater : {"self", "clinician"}
        Who fills it in.
    n_items : int
        How many items it has; 0 where only totals are known.
    item_minimum, item_maximum : int
        Range of an item, unless `item_ranges` says something else.
    reverse_items : tuple of int
        Items, from 1, that are reversed before adding.
    minimum, maximum : float
        Range of the total, in the first of `metrics`; whole numbers are kept as such. NaN where there is no total.
    direction : {"higher_is_worse", "higher_is_better", "higher_is_more"}
        Which way is worse; "more" is neither (an experience, not a symptom).
    recall_days : int
        How far back the questions look; 0 where no source says.
    versions : tuple of str
        Versions that may be named in the data; the first is meant where none is named.
    safety_items : tuple of int
        Items that ask about suicide or self-harm.
    licence : str
        What its owner allows.
    definition_sets : tuple of DefinitionSet
        Cited thresholds.
    reliabilities : tuple of Reliability
        Published coefficients whose source was seen; the first is used where none is named. Empty: none is known.
    norms : tuple of Norms
        Published norms whose source was seen; the first is used where none is named. Empty: none is known.
    sources : tuple of str
        Where the items, range and direction come from.
    scoring : Scoring
        How the items become the total.
    item_ranges : tuple of ItemRange
        Items with other legal answers than the usual range.
    subscale_of : str
        Id of the scale of which this is a part; ``""`` for a scale of its own.
    item_numbers : tuple of int
        Which items of that scale, in its numbering; item k of this one is its item ``item_numbers[k - 1]``.
    use : {"outcome", "session_state", "global_change", "categories"}
        A session state belongs to a session and is never a baseline or a change; a global change is already a change
        and never subtracted; categories have no total.
    metrics : tuple of Metric
        Units in which totals are reported, the scale's own first. Empty: there is one only. With two or more a total
        must name its metric, because most totals are legal in both.
    prorating : tuple of ProratingRule
        Published rules for missing items, applied only on request.
    loinc : LoincCodes
        Codes under which it is exchanged.
    safety_at_least : int
        From which answer on a safety item counts.
    unverified : tuple of Unverified
        What circulates and was not seen in a source; shown, never used.
    """

    id: str
    name: str
    full_name: str
    aliases: tuple[str, ...]
    construct: str
    rater: str
    n_items: int
    item_minimum: int
    item_maximum: int
    reverse_items: tuple[int, ...]
    minimum: float
    maximum: float
    direction: str
    recall_days: int
    versions: tuple[str, ...]
    safety_items: tuple[int, ...]
    licence: str
    definition_sets: tuple[DefinitionSet, ...]
    reliabilities: tuple[Reliability, ...]
    norms: tuple[Norms, ...]
    sources: tuple[str, ...]
    scoring: Scoring = field(default_factory=Scoring)
    item_ranges: tuple[ItemRange, ...] = ()
    subscale_of: str = ""
    item_numbers: tuple[int, ...] = ()
    use: str = "outcome"
    metrics: tuple[Metric, ...] = ()
    prorating: tuple[ProratingRule, ...] = ()
    loinc: LoincCodes = field(default_factory=LoincCodes)
    safety_at_least: int = 1
    unverified: tuple[Unverified, ...] = ()

    def __post_init__(self) -> None:
        require_option("direction", self.direction, DIRECTIONS)
        require_option("rater", self.rater, ("self", "clinician"))
        require_option("use", self.use, USES)

    def __repr__(self) -> str:
        total = f"total {self.minimum:g} to {self.maximum:g}" if self.has_total else "no total"
        return (
            f"<Instrument {self.name} ({self.id}): {self.full_name}; {self.n_items} items, {total}, {self.direction}>"
        )

    def _repr_html_(self) -> str:
        from katoutcomes.instruments.html_card import html_card

        return html_card(self)

    @property
    def sign(self) -> int:
        """Minus one where a falling score is improvement, plus one where a rising score is, 0 where neither is."""
        return {"higher_is_worse": -1, "higher_is_better": 1}.get(self.direction, 0)

    @property
    def has_total(self) -> bool:
        """Whether there is a total at all."""
        return not math.isnan(self.minimum)

    def legal_answers(self, number: int) -> tuple[int, ...]:
        """Return every legal answer of an item, ascending.

        Parameters
        ----------
        number : int
            From 1 to `n_items`.

        Examples
        --------
        >>> from katoutcomes.instruments.catalog import instrument
        >>> instrument("PHQ-9").legal_answers(1)
        (0, 1, 2, 3)
        """
        if not 1 <= number <= self.n_items:
            raise OptionError(f"the {self.name} has items 1 to {self.n_items}.")
        exceptions = (item_range.values for item_range in self.item_ranges if number in item_range.items)
        return next(exceptions, tuple(range(self.item_minimum, self.item_maximum + 1)))

    def largest_total(self, version: str | None = None) -> float:
        """Return the largest total of a version, in the scale's own metric.

        Parameters
        ----------
        version : str, optional
            One of `versions`; the first where none is named.

        Examples
        --------
        >>> from katoutcomes.instruments.catalog import instrument
        >>> phq15 = instrument("PHQ-15")
        >>> phq15.largest_total(), phq15.largest_total("fourteen_items_men")
        (30.0, 28.0)
        """
        omitted = self.scoring.omitted(version)
        return self.maximum - self.scoring.factor * sum(self.legal_answers(number)[-1] for number in omitted)

    def metric(self, name: str | None = None) -> Metric:
        """Return a metric by its name, or the only one there is.

        Raises
        ------
        OptionError
            If there is no such metric, or none is named where there are several.

        Examples
        --------
        >>> from katoutcomes.instruments.catalog import instrument
        >>> instrument("PHQ-9").metric().maximum
        27
        """
        known = self.metrics or (Metric("points", 1.0, 0.0, self.minimum, self.maximum),)
        if name is None and len(known) == 1:
            return known[0]
        listed = ", ".join(f"{metric.name} ({metric.minimum:g} to {metric.maximum:g})" for metric in known)
        if name is None:
            raise OptionError(f"totals of the {self.name} are reported in several metrics; name one: {listed}.")
        found = [metric for metric in known if metric.name == name]
        if not found:
            raise OptionError(f"the metrics of the {self.name} are {listed}; got {name!r}.")
        return found[0]

    def prorating_rule(self, name: str) -> ProratingRule:
        """Return a prorating rule by its name; raise `OptionError`, which lists what there is, if it has none such."""
        require_option(f"prorating rule of the {self.name}", name, [rule.name for rule in self.prorating])
        return next(rule for rule in self.prorating if rule.name == name)

    def definitions(self, kind: str) -> tuple[DefinitionSet, ...]:
        """Return the definition sets of one kind, the default first."""
        require_option("kind", kind, DEFINITION_KINDS)
        found = (definition for definition in self.definition_sets if definition.kind == kind)
        return tuple(sorted(found, key=lambda definition: not definition.is_default))

    def definition(self, kind: str, name: str | None = None) -> DefinitionSet:
        """Return the definition set `name` of a kind, or the default one.

        Parameters
        ----------
        kind : str
            One of `DEFINITION_KINDS`.
        name : str, optional
            Its id, with or without the instrument's id in front.

        Raises
        ------
        OptionError
            If there is no such set, or no default where none is named; the message lists what there is.
        """
        candidates = self.definitions(kind)
        if name is None:
            defaults = [definition for definition in candidates if definition.is_default]
            if defaults:
                return defaults[0]
            listed = ", ".join(definition.id for definition in candidates) or "none is known"
            raise OptionError(f"{self.name} has no default {kind}; name a definition set ({listed}).")
        wanted = name if "/" in name else f"{self.id}/{name}"
        require_option("definition set", wanted, [definition.id for definition in candidates])
        return next(definition for definition in candidates if definition.id == wanted)
