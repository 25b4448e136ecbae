"""What happened to every row on its way in, as a record and as a page."""
