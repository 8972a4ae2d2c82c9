"""Published forms of a graded class; a publisher is a function of the finished run and a folder."""
