"""The Messages API of Anthropic, as it is on the wire. No logic."""
