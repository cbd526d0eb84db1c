"""Names that operators share."""
