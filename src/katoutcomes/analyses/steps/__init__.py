"""STEPS that several analyses share, or that one of them is too long for. A new analysis goes one folder up."""
