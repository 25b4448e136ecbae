"""Differences between groups of patients or clinics: adjustment, robust errors, balance, sensitivity."""
