"""The mixed model for repeated measures: one pass over the data, then a fit whose cost does not depend on it."""
