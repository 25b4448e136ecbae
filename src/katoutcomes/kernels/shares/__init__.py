"""Shares and rates, their intervals and differences."""
