"""Mirah: the outcomes export, read by its header, becomes scores; sessions come from a table of the clinic's own."""
