"""The machinery under neural collaborative filtering."""
