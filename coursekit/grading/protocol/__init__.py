"""The trusted end of the line to a student's code: everything that arrives is parsed as data."""
