"""The published forms of a graded class: one publisher for each, a function of the finished run and
the folder to write to.
"""
