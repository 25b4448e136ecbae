"""ONE FORMAT A FILE: each reader turns its format into tables of text; `sources.py` says which reader takes what."""
