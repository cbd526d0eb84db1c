"""The base classes of operators."""
