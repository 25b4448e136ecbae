"""THE COMMAND LINE: one thin file a command."""
