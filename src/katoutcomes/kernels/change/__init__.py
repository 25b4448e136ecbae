"""Change within patients: means, ranks, effect sizes, margins, regression to the mean."""
