"""The machinery under matrix factorization and factorization machines."""
