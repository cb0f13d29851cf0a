"""What the assistant does beyond answering: use cases behind Rasa's actions."""
