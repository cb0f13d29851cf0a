"""How forms listen: what a message says, and what a form does with it."""
