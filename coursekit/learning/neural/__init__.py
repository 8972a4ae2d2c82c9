"""Embeddings, vocabulary and kernels of neural collaborative filtering."""
