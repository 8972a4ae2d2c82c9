"""An exercise on disk: notebook, checks, hints, misconceptions."""
