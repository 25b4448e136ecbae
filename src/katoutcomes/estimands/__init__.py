"""THE QUESTION: what is estimated, in whom, when, and what is done about what happens on the way. Records only."""
