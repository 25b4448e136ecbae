"""THE ANSWER: estimates and results, how they are written as text and files, and what may leave a clinic."""
