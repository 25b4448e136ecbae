"""Change of each patient: reliable change, methods of clinical significance, services' rules, severity."""
