"""What a score means: the records that a definition file becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from katoutcomes.errors import OptionError, require_option
from katoutcomes.vocabulary import DIRECTIONS

DEFINITION_KINDS: tuple[str, ...] = ("bands", "caseness", "response", "remission", "reliable_change")
RELIABILITY_KINDS: tuple[str, ...] = ("internal_consistency", "retest")


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
    kind : {"bands", "caseness", "response", "remission", "reliable_change"}
        What it defines.
    value : float
        * caseness: the least severe score that is a case (``>=`` where higher is worse, ``<=`` otherwise);
        * remission: the most severe score that is remission (``<=`` where higher is worse, ``>=`` otherwise);
        * response: the smallest share of the baseline score by which it must improve (0.5 = half);
        * reliable_change: the smallest change, in points, that counts, in either direction;
        * bands: NaN.
    bands : tuple of Band
        Bands from least to most severe; empty for the other kinds.
    source : str
        Citation.
    is_default : bool
        Whether it is used when nothing is named; at most one a kind, and only where a source was seen.
    """

    id: str
    kind: str
    value: float
    bands: tuple[Band, ...]
    source: str
    is_default: bool = False

    def __post_init__(self) -> None:
        require_option("kind of a definition set", self.kind, DEFINITION_KINDS)


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
        ``"depression"``, ``"anxiety"`` or ``"ptsd"``.
    rater : {"self", "clinician"}
        Who fills it in.
    n_items : int
        How many items make the total.
    item_minimum, item_maximum : int
        Range of an item.
    reverse_items : tuple of int
        Items, from 1, that are reversed before adding.
    minimum, maximum : int
        Range of the total.
    direction : {"higher_is_worse", "higher_is_better"}
        Which way is worse.
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
    minimum: int
    maximum: int
    direction: str
    recall_days: int
    versions: tuple[str, ...]
    safety_items: tuple[int, ...]
    licence: str
    definition_sets: tuple[DefinitionSet, ...]
    reliabilities: tuple[Reliability, ...]
    norms: tuple[Norms, ...]
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        require_option("direction", self.direction, DIRECTIONS)
        require_option("rater", self.rater, ("self", "clinician"))

    @property
    def sign(self) -> int:
        """Minus one where a falling score is improvement, plus one where a rising score is."""
        return -1 if self.direction == "higher_is_worse" else 1

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
