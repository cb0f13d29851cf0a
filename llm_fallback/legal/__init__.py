"""Which questions only a lawyer answers."""
