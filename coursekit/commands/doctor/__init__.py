"""`coursekit doctor`: what is there, what is missing, and how to get it."""
