"""What `coursekit …` can do: one file per command, loaded when it is called."""
