"""Pure values and rules; imports nothing of ours and no framework."""
