"""What every row must keep, how it is checked, and how every row is accounted for."""
