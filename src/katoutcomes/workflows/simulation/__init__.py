"""Studies of synthetic patients, again and again: what the estimators do when the truth is known."""
