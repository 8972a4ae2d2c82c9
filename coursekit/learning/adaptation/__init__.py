"""Notice drift and answer it: manager, monitors, responses, checkpoints (lesson 06)."""
