"""REDCap: a CSV export, its data dictionary and a mapping file become the tables of the schema."""
