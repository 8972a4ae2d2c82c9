"""From solutions to exercises, and the proof that nothing leaks."""
