"""Jobs, kind by kind: what is done in outside services after a turn."""
