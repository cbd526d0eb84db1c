"""Modules of other tools, as their operators import them. Use `wrasse.compat`."""
