"""What `emulate_trial` is made of."""
