"""WHICH QUESTIONS, WRITTEN DOWN BEFORE the data are looked at."""
