"""DATA IN: schema, readers, validation, the identifier gate, the data engine and the synthetic clinic."""
