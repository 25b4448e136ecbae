"""A SYNTHETIC CLINIC whose truth is known: `clinic.py` makes its tables, `mechanism.py` is what is true in it."""
