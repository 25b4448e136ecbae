"""WHAT A SCORE MEANS: items, range, direction, thresholds and reliability, each number with its source."""
