"""Pointsman: an LLM gateway that can always answer why a request took its path."""

__version__ = "0.1.0"
