"""Addresses of code systems, profiles and servers, which are no web pages of a person."""

from __future__ import annotations

import re

_SOCIAL = re.compile(r"(?i:facebook|instagram|linkedin|twitter|tiktok|youtube|snapchat)[.]com/")


def pruned_address(text: str) -> str:
    """Return an address without what makes every address one, so that only what it says about a person is found.

    Examples
    --------
    >>> pruned_address("http://hl7.org/fhir/a"), pruned_address("http://facebook.com/someone")
    ('http:hl7.org fhir a', 'http://facebook.com/someone')
    """
    if "/" not in text or _SOCIAL.search(text):
        return text
    return text.replace("://", ":").replace("www.", "").replace("/", " ")
