"""Everything that is made from a class' grade reports."""
