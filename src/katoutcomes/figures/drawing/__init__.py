"""HOW FIGURES ARE DRAWN: page, style, scales and words that they share. A new figure goes one folder up."""
