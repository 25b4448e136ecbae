"""Where tables lie and stages run: DuckDB, Spark, a workspace on disk."""
