"""FORMAT "tables": any CSV, Parquet or Excel file, or frame, whose columns a mapping file explains."""
