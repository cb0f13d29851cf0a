"""What runs inside the Rasa process: tracker store, responses, guards."""
