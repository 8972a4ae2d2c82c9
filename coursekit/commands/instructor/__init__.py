"""The commands of an instructor: grade, release."""
