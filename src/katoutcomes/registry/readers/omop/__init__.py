"""OMOP CDM 5.4: a folder of its tables as CSV or Parquet files."""
