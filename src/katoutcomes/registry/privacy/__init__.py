"""What makes patients recognizable without naming them, and new keys for old ones."""
