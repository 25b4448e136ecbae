"""ANY TIDY FRAME becomes an analysis set: what `AnalysisSet.from_frame` does, step by step."""
