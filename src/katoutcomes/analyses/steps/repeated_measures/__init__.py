"""What `mmrm` and `contrast` are made of."""
