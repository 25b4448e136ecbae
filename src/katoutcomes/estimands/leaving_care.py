"""What becomes of leaving care in the outcome: the strategies of ICH E9(R1) for the intercurrent event that matters."""

from __future__ import annotations

TREATMENT_POLICY, COMPOSITE, WHILE_IN_CARE = "treatment_policy", "composite", "while_in_care"
LEFT_CARE: tuple[str, ...] = (TREATMENT_POLICY, COMPOSITE, WHILE_IN_CARE)
"""The outcome counts whatever happened; leaving is part of it (no response); it is what was seen last before that."""
NAME_OF: dict[str, str] = {COMPOSITE: "composite_response", WHILE_IN_CARE: "while_in_care"}
"""Strategy → the named estimand that it makes of a question."""
