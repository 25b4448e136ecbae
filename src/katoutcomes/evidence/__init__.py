"""WHAT OTHERS FOUND: published studies, with what was and was not seen in their text."""
