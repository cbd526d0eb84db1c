"""Operators: folders that were loaded appear here as `ops.user.NAME`."""
