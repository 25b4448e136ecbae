"""What the analyses of clinical significance are made of."""
