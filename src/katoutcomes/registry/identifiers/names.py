"""Column names that announce an identifier, and names that say that a column holds an age."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_POSTAL_PREFIXES = frozenset(
    {
        ("zip", "3"),
        ("fsa",),
        ("postal", "prefix"),
        ("postal", "code", "prefix"),
        ("zip", "prefix"),
        ("zip", "code", "3"),
    }
)
_AGES = frozenset({"age", "ages", "alter", "edad", "eta", "idade", "leeftijd"})
_GROUPS = frozenset({"band", "group", "range", "class", "category", "bracket"})
_NOT_YEARS = _GROUPS | {"month", "months", "week", "weeks", "day", "days"}
_BIRTH_YEARS = frozenset({"yob", "byear", "birthyear", "jahrgang", "geburtsjahr", "gebjahr"})
_BIRTHS = frozenset({"yob", "born", "byear", "jahrgang", "geb", "gebjahr", "nacimiento", "nascita", "dob", "bday"})


@dataclass(frozen=True, slots=True)
class NameRule:
    """Column names that announce an identifier.

    Attributes
    ----------
    whole : tuple of str
        Names that count only when nothing else stands in the column name.
    anywhere : tuple of str
        Words or runs of words that count wherever they stand in it.
    """

    whole: tuple[str, ...]
    anywhere: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAME_RULES: Mapping[str, NameRule] = MappingProxyType(
    {
        "column_name_person": NameRule(
            _words(
                "name names forename nickname nom nombre nome naam alias login contact gp referrer referring author "
                "owner"
            ),
            _words(
                "first_name last_name full_name given_name family_name middle_name maiden_name preferred_name "
                "patient_name client_name person_name user_name username surname lastname firstname fullname "
                "name_first name_last therapist_name clinician_name provider_name practitioner_name contact_name "
                "emergency_contact next_of_kin mother_name father_name spouse_name guardian_name partner_name "
                "relative_name attending_physician physician_name doctor_name signed_by "
                "vorname nachname familienname geburtsname zuname vollname rufname patientenname therapeutenname "
                "behandlername "
                "pt_name pat_name subject_name member_name legal_name display_name known_as nom_famille nom_patient "
                "referring_physician referring_doctor referring_provider referring_clinician referred_by_name "
                "treating_physician "
                "family_doctor primary_care_physician consulting_physician created_by entered_by modified_by "
                "updated_by "
                "recorded_by collected_by assessed_by rated_by user_login login_name assessor_name rater_name "
                "rater_initials "
                "interviewer_name staff_name author_name owner_name next_of_kin_name caregiver_name employer spouse "
                "cognome achternaam voornaam roepnaam sobrenome "
                "initialen initials prenom nom_de_famille nom_du_patient nombre_del_paciente apellido apellidos"
            ),
        ),
        "column_name_birth_date": NameRule(
            _words("birth born naissance nacimiento geburt"),
            _words(
                "dob birth_date birthdate date_of_birth birth_day birthday birth_dt date_birth geburtsdatum "
                "geburtstag "
                "geb_datum date_de_naissance date_naissance fecha_de_nacimiento fecha_nacimiento d_o_b bday "
                "birth_month "
                "month_of_birth day_of_birth dob_month dob_day geboortedatum data_di_nascita data_de_nascimento "
                "birthplace birth_place place_of_birth geburtsort lieu_de_naissance"
            ),
        ),
        "column_name_phone": NameRule(
            _words("tel cell cellular mobile fax pager"),
            _words(
                "phone telephone cellphone phone_number mobile_number fax_number tel_no telefon telefonnummer handy "
                "handynummer mobilnummer rufnummer telefono numero_de_telephone mobile_no cell_no tel_home tel_work "
                "home_tel work_tel tel_number fax_no pager_number celular telefone telefoon"
            ),
        ),
        "column_name_email": NameRule(
            _words("handle twitter facebook instagram linkedin skype mail whatsapp correo"),
            _words(
                "email e_mail mail_address courriel correo_electronico patient_mail home_mail work_mail mail_1 mail_2 "
                "social_media_handle"
            ),
        ),
        "column_name_government_number": NameRule(
            _words("sin nino nin ssn4 license licence vehicle nas cpf bsn nif nie nir nric aadhaar curp"),
            _words(
                "ssn social_security social_insurance sin_number passport driver_license drivers_license "
                "driver_licence drivers_licence nhs_number national_id tax_id license_plate licence_plate vin "
                "license_number licence_number license_no licence_no certificate_number vehicle_id vehicle_number "
                "plate_number registration_number "
                "sozialversicherungsnummer steuernummer personalausweis reisepass ausweisnummer fuehrerschein ahv "
                "numero_de_securite_sociale numero_seguridad_social dni ssn_last4 last4_ssn burgerservicenummer "
                "codice_fiscale"
            ),
        ),
        "column_name_health_number": NameRule(
            _words(
                "phn ohip hcn uhn chart ramq account mrno nam phin uli ulf ahcip msp mpi empi dossier ur urn nhs chi"
            ),
            _words(
                "mrn medical_record health_card health_number health_insurance_number medicare_number "
                "medicaid_number "
                "ohip_number phn_number chart_number chart_no hospital_number insurance_number policy_number "
                "member_number beneficiary_number account_number account_no account_id bank_account iban credit_card "
                "card_number insurance_id policy_id member_id subscriber_id beneficiary_id plan_number hospital_id "
                "chart_id mbi "
                "krankenkasse versichertennummer versicherungsnummer krankenversicherungsnummer versicherten_nr "
                "fallnummer aktenzeichen "
                "no_dossier numero_dossier file_no file_number record_no record_number health_id healthcard "
                "chi_number nhs_no "
                "patient_number patient_no hospital_no unit_number krankenkassennummer patientennummer "
                "kvnr numero_assurance_maladie carte_vitale numero_historia_clinica"
            ),
        ),
        "column_name_device_or_network": NameRule(
            _words("ip url website device mac imei web"),
            _words(
                "ip_address ipv4 ipv6 device_id device_serial serial_number serial_no mac_address url_address "
                "web_address udi implant_id advertising_id"
            ),
        ),
        "column_name_likeness": NameRule(
            _words("face voice picture pictures video audio image images attachment attachments iris retina genome"),
            _words(
                "photo photos photograph image_file video_file audio_file fingerprint fingerprints biometric "
                "signature "
                "voiceprint voice_print iris_scan retina_scan facial_image file_name filename file_path filepath "
                "scanned_document"
            ),
        ),
        "column_name_address": NameRule(
            _words(
                "street city town county village apartment house_number lat lon lng long geo ort suburb neighborhood"
            ),
            _words(
                "address addr street_name street_address home_city mailing latitude longitude gps geocode zip "
                "zip_code zipcode postal postal_code postcode post_code "
                "strasse hausnummer plz postleitzahl wohnort anschrift adresse rue code_postal ville direccion "
                "domicilio "
                "codigo_postal zip5 zip_5 zip_4 home_street mailing_address addr1 addr2 geo_lat geo_lon domicile "
                "commune quartier "
                "straat woonplaats indirizzo endereco"
            ),
        ),
        "column_name_free_text": NameRule(
            _words(
                "note notes comment comments remark remarks narrative text description memo memos observation_text "
                "freetext anamnesis anamnese"
            ),
            _words(
                "free_text freetext clinical_note clinical_notes session_note session_notes progress_note "
                "progress_notes therapist_notes notes_text comment_text patient_comment patient_comments "
                "bemerkung bemerkungen notiz notizen kommentar kommentare anmerkung anmerkungen freitext "
                "verlaufsnotiz "
                "remarque remarques commentaire commentaires observaciones comentarios"
            ),
        ),
    }
)
"""Rules about column names, by id."""

_WHOLE = {rule: frozenset(names.whole) for rule, names in NAME_RULES.items()}
_RUNS = {
    rule: frozenset(run for text in names.anywhere for run in (tuple(text.split("_")), (text.replace("_", ""),)))
    for rule, names in NAME_RULES.items()
}


_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def _without_accents(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).translate(_LETTERS))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def normalized_words(name: str) -> tuple[str, ...]:
    """Return the words of a column name, in lower case and without accents.

    Examples
    --------
    >>> normalized_words("Date-of Birth"), normalized_words("patientEMail2")
    (('date', 'of', 'birth'), ('patient', 'e', 'mail', '2'))
    >>> normalized_words("Straße und Nr")
    ('strasse', 'und', 'nr')
    """
    plain = _without_accents(name)
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])", " ", plain)
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word)


def name_rule(name: str) -> str | None:
    """Return the rule that a column name breaks, or None.

    Examples
    --------
    >>> name_rule("Patient E-Mail"), name_rule("covariate_zip"), name_rule("patient_id")
    ('column_name_email', 'column_name_address', None)
    """
    words = normalized_words(name)
    if words in _POSTAL_PREFIXES:
        return None  # their values are held to three characters instead
    if words[:1] in (("covariate",), ("eligible",)):
        words = words[1:]
    whole = "_".join(word for word in words if not word.isdigit())
    # Runs of words count where they stand side by side, and also where the name writes them as one word.
    runs = {words[start:end] for start in range(len(words)) for end in range(start + 1, len(words) + 1)}
    return next((rule for rule in NAME_RULES if whole in _WHOLE[rule] or runs & _RUNS[rule]), None)


SMALL_NUMBER_RULES: frozenset[str] = frozenset(
    {"column_name_phone", "column_name_email", "column_name_device_or_network", "column_name_likeness"}
    | {"column_name_free_text"}
)
"""Rules whose names also stand for how often something happened: a column of small numbers is none of theirs."""
CODED_RULES: frozenset[str] = SMALL_NUMBER_RULES - {"column_name_email"}
"""Rules whose names also stand for how something was done, so that a column of a few codes is none of theirs."""


def holds_postal_prefix(name: str) -> bool:
    """Return whether a column name says that it holds only the first characters of a postal code.

    Examples
    --------
    >>> holds_postal_prefix("zip3"), holds_postal_prefix("postal_prefix"), holds_postal_prefix("zip")
    (True, True, False)
    """
    return normalized_words(name) in _POSTAL_PREFIXES


def holds_age(name: str) -> bool:
    """Return whether a column name says that it holds an age in years.

    Examples
    --------
    >>> holds_age("AgeAtIntake"), holds_age("Alter"), holds_age("age_months"), holds_age("stage")
    (True, True, False, False)
    """
    words = set(normalized_words(name))
    return bool(_AGES & words) and not _NOT_YEARS & words


def holds_age_group(name: str) -> bool:
    """Return whether a column name says that it holds groups of ages, such as 85-89.

    Examples
    --------
    >>> holds_age_group("age_group"), holds_age_group("Altersgruppe"), holds_age_group("group")
    (True, True, False)
    """
    words = set(normalized_words(name))
    return bool(_AGES & words and _GROUPS & words) or bool({"altersgruppe", "altersklasse"} & words)


def holds_birth(name: str) -> bool:
    """Return whether a column name speaks of a birth, so that dates in it are birth dates.

    Examples
    --------
    >>> holds_birth("covariate_year_born"), holds_birth("YOB"), holds_birth("Geburtsjahr"), holds_birth("stage")
    (True, True, True, False)
    """
    return any(word in _BIRTHS or word.startswith(("geburt", "birth", "naiss")) for word in normalized_words(name))


def holds_birth_year(name: str) -> bool:
    """Return whether a column name says that it holds years of birth.

    Examples
    --------
    >>> holds_birth_year("birth_year"), holds_birth_year("yob"), holds_birth_year("birth_weight")
    (True, True, False)
    """
    words = normalized_words(name)
    is_year = bool({"year", "yr", "jahr", "annee", "ano", "anno"} & set(words)) and holds_birth(name)
    return is_year or any(word in _BIRTH_YEARS for word in words) or words in (("born",), ("covariate", "born"))


def holds_login(name: str) -> bool:
    """Return whether a column name says that it holds the ids of users of a program, which may be their names.

    Examples
    --------
    >>> holds_login("user_id"), holds_login("practitioner_id"), holds_login("patient_id"), holds_login("drug_user")
    (True, True, False, False)
    """
    words = set(normalized_words(name))
    return "id" in words and bool(words & {"user", "practitioner", "staff", "clinician", "therapist", "provider"})
