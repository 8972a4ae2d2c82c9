"""An experiment in a file of one's own: read it, analyse it, say what it shows (lesson 09)."""
