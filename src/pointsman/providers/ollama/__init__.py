"""Ollama by its own API, whose context is as large as it is told and whose models come and go."""
