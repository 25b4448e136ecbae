"""ONE PUBLIC FUNCTION A FILE: an analysis set and a question in, a Result out."""
