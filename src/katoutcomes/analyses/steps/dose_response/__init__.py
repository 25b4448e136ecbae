"""What `session_dose_response` is made of."""
