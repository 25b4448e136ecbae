"""From a registry's events to the arrays of an emulated trial: weeks in care, sessions, scores, decisions."""
