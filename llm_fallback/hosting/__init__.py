"""The model behind Ollama: servers, queue, circuit breakers, one deadline."""
