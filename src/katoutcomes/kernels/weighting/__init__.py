"""Weighting, standardization and resampling, batched over a matrix of patient frequencies."""
