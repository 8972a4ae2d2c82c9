"""The commands of `coursekit`: one file per command, loaded when it is called."""
