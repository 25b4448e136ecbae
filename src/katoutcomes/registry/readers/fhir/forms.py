"""Observations and QuestionnaireResponses as forms: who, when, and which number stands for which part of a scale."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from katoutcomes.registry.readers.coded.forms import Answer, Form, Line, Moment
from katoutcomes.registry.readers.coded.scale_codes import LOINC, Code, ScaleCode, ScaleCodes
from katoutcomes.registry.readers.fhir.elements import (
    codes_of,
    coding_codes,
    moment_of,
    number_text,
    ordinal_of,
    reference_of,
    references_of,
)

FINAL_STATUSES: dict[str, frozenset[str]] = {
    "Observation": frozenset({"final", "amended", "corrected"}),
    "QuestionnaireResponse": frozenset({"completed", "amended"}),
    "Procedure": frozenset({"completed"}),
    "MedicationAdministration": frozenset({"completed"}),
    "Encounter": frozenset({"finished"}),
}
"""Statuses of a resource that is complete and not withdrawn."""


@dataclass(frozen=True, slots=True)
class NoForm:
    """Why a resource is no form.

    Attributes
    ----------
    rule : str
        Rule id of rows that are left out.
    code : str
        For a refused code, the code.
    """

    rule: str
    code: str = ""


def observation_form(resource: dict[str, Any], line: Line, codes: ScaleCodes) -> Form | NoForm:
    """Return what an Observation says about scales.

    Parameters
    ----------
    resource : dict
        An Observation.
    line : (int, int)
        Where it stands.
    codes : ScaleCodes
        What codes mean.

    Returns
    -------
    Form or NoForm
        The form, or why there is none: another code, a refused code, or no value.
    """
    own = codes_of(resource.get("code"))
    meanings = _meanings(own, codes)
    parts = [(_meanings(codes_of(part.get("code")), codes), part) for part in _dicts(resource.get("component"))]
    answers = [answer for known, part in parts if known and (answer := _answer(part, known)) is not None]
    panels = tuple(dict.fromkeys(meaning.instrument for meaning in meanings if meaning.part == "panel"))
    own_parts = tuple(meaning for meaning in meanings if meaning.part != "panel")
    if not own_parts and not panels and not answers:
        return _unknown(own, codes)
    if own_parts and (answer := _answer(resource, own_parts)) is not None:
        answers.append(answer)
    made_from = resource.get("derivedFrom")
    members = references_of(resource.get("hasMember"), "Observation") + references_of(made_from, "Observation")
    if not answers and not members:
        return NoForm("no_value")
    return Form(
        kind="O",
        answers=tuple(answers),
        panels=panels,
        members=members,
        derived_from=references_of(made_from, "QuestionnaireResponse"),
        moment=observed_moment(resource),
        line=line,
        **context(resource),
    )


def questionnaire_form(resource: dict[str, Any], line: Line, codes: ScaleCodes) -> Form | NoForm:
    """Return what a QuestionnaireResponse says about scales; see `observation_form`.

    An item is known by its link id: as a code of the scale under the questionnaire's address, which a mapping file may
    give, or as a LOINC code, alone or after a slash.
    """
    address = str(resource.get("questionnaire") or "").split("|", 1)[0]
    panel = codes.parts.get((LOINC, address.rsplit("/", 1)[-1]), ())
    answers: list[Answer] = []
    refused: list[str] = []
    is_known = bool(panel)
    for item in items_of(resource):
        link = item.get("linkId")
        if not isinstance(link, str):
            continue
        asked: tuple[Code, ...] = ((address, link), (LOINC, link.rsplit("/", 1)[-1]))
        meanings = tuple(meaning for meaning in _meanings(asked, codes) if meaning.part != "panel")
        refused += [] if meanings else [code for system, code in asked if (system, code) in codes.refused]
        is_known = is_known or bool(meanings)
        given = [_answer(answer, meanings) for answer in _dicts(item.get("answer"))] if meanings else []
        answers += [answer for answer in given if answer is not None]
    if not answers:
        return NoForm("no_value") if is_known else NoForm("refused_code", refused[0]) if refused else NoForm("code")
    return Form(
        kind="Q",
        is_whole=True,
        is_copy=True,
        answers=tuple(answers),
        panels=tuple(dict.fromkeys(meaning.instrument for meaning in panel if meaning.part == "panel")),
        moment=moment_of(resource.get("authored")),
        line=line,
        **context(resource),
    )


def context(resource: dict[str, Any]) -> dict[str, Any]:
    """Return whose resource it is and what it belongs to, as arguments of `Form`."""
    subject = reference_of(resource.get("subject"))
    is_patient = subject is not None and subject.kind in ("Patient", "")
    visit = reference_of(resource.get("encounter")) or reference_of(resource.get("context"))
    part_of = resource.get("partOf")
    wholes = [*references_of(part_of, "Procedure"), *references_of(part_of, "MedicationAdministration")]
    return {
        "id": resource_id(resource),
        "patient": subject.id if subject is not None and is_patient else None,
        "base": subject.base if subject is not None and is_patient else "",
        "encounter": visit.id if visit is not None else "",
        "part_of": tuple(wholes),
    }


def is_about_something_else(resource: dict[str, Any]) -> bool:
    """Whether a resource names a subject that is no patient, such as a group or a device."""
    subject = reference_of(resource.get("subject"))
    return subject is not None and subject.kind not in ("Patient", "")


def resource_id(resource: dict[str, Any]) -> str:
    """Return a resource's id; where it has none, a digest, so that the same content has the same id in any order."""
    given = resource.get("id")
    if isinstance(given, str) and given:
        return given
    text = json.dumps(resource, sort_keys=True, default=str)
    return "-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def observed_moment(resource: dict[str, Any]) -> Moment:
    """Return when an observation, a procedure or an administration happened, or began."""
    for name in ("effectiveDateTime", "effectiveInstant", "performedDateTime"):
        if name in resource:
            return moment_of(resource[name])
    for name in ("effectivePeriod", "performedPeriod", "period"):
        if isinstance(resource.get(name), dict):
            return moment_of(resource[name].get("start"))
    return moment_of(None)


def _meanings(asked: tuple[Code, ...], codes: ScaleCodes) -> tuple[ScaleCode, ...]:
    if len(asked) == 1:  # nearly always
        return codes.parts.get(asked[0], ())
    return tuple(dict.fromkeys(meaning for code in asked for meaning in codes.parts.get(code, ())))


def _unknown(own: tuple[Code, ...], codes: ScaleCodes) -> NoForm:
    refused = [code for code in own if code in codes.refused]
    return NoForm("refused_code", refused[0][1]) if refused else NoForm("code")


def _answer(holder: dict[str, Any], meanings: tuple[ScaleCode, ...]) -> Answer | None:
    """Return the value of an observation, a component or an answer; None where there is none."""
    names = [name for name in holder if name.startswith("value")]
    if len(names) != 1:
        return Answer(meanings, problem="two_answers") if names else None
    name, value = names[0], holder[names[0]]
    if name in ("valueCodeableConcept", "valueCoding"):
        coded = codes_of(value) if name == "valueCodeableConcept" else coding_codes(value)
        return Answer(meanings, None, coded, ordinal_of(value), "" if coded else "answer_not_coded")
    if name == "valueQuantity" and isinstance(value, dict) and "comparator" in value:
        return Answer(meanings, problem="comparator")
    number = _plain_number(name, value)
    return Answer(meanings, number, problem="" if number is not None else "answer_not_coded")


def _plain_number(name: str, value: object) -> str | None:
    """Return the number of a value that is not coded; None where it is text or anything else."""
    if name == "valueBoolean" and isinstance(value, bool):
        return str(int(value))
    if name == "valueQuantity" and isinstance(value, dict):
        return number_text(value.get("value"))
    return number_text(value) if name in ("valueInteger", "valueDecimal") else None


def items_of(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the items of a response, also those inside of groups and of answers, in their order."""
    waiting = _dicts(resource.get("item"))[::-1]
    while waiting:
        item = waiting.pop()
        yield item
        inner = [deeper for answer in _dicts(item.get("answer")) for deeper in _dicts(answer.get("item"))]
        waiting.extend([*_dicts(item.get("item")), *inner][::-1])


def _dicts(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
