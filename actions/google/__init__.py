"""The connection of the office to Google: who permitted what, and its tokens."""
