"""The assistant: pure rules, storage, understanding, and Rasa's runtime."""
