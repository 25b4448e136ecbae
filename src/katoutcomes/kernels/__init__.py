"""THE ARITHMETIC: arrays in, a small frozen record out. No frames, names, units, warnings or files."""
