"""The office's texts: read, checked, and found by what a message asks for."""
