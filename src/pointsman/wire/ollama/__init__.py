"""Ollama's own API: https://docs.ollama.com/api (read 2026-11)."""
