"""A line to a kernel that may lie, flood, stall or die."""
