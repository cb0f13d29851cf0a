"""NLU components that Rasa loads by dotted path."""
