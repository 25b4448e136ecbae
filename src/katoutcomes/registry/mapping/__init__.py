"""MAPPING FILES: how another format becomes the tables of the schema, written down, versioned, replayable."""
