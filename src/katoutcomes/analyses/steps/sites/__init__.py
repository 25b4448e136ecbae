"""What `compare_sites` is made of: choices, estimates of each site, funnel, verdicts, words."""
