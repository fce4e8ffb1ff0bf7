"""Pages for people: the documentation, the demo, the problems."""
