"""What `change_from_baseline` is made of."""
