"""Arithmetic of watching: control charts over time, rules for runs, funnel limits across sites."""
