"""Internal consistency of a scale's items."""
