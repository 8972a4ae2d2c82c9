"""Optimizers, learning-rate schedules and regret (lesson 07)."""
