"""What `outcomes_over_time` is made of: periods, rules, values a period, lines of a chart, words."""
