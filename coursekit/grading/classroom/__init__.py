"""A class: read submissions, execute, grade, publish."""
