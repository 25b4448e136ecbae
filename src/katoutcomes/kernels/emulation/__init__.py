"""Emulated trials of what begins after time zero: artificial censoring, weights, estimators. Arrays only."""
