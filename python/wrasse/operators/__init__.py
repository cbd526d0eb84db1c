"""Operators in Python: what they are to the engine, and how they are found."""

from wrasse.operators.base import Kind, Operator
from wrasse.operators.found import Description, Found
from wrasse.operators.loading import find, load

__all__ = ["Description", "Found", "Kind", "Operator", "find", "load"]
