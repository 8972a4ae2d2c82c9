"""What every package needs: events, errors, validation, files and state on disk, compiled code."""
