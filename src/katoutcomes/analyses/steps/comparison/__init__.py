"""What `compare_cohorts` is made of."""
