"""What an answer must pass before anybody reads it: deterministic, and strict."""
