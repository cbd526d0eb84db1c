"""Operators in Python: what they are to the engine, and how they are found."""

from wrasse.operators.base import Kind, Operator
from wrasse.operators.loading import load

__all__ = ["Kind", "Operator", "load"]
