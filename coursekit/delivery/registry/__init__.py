"""Versions of models, their legal moves and their history, on SQLite or Redis (lesson 08)."""
