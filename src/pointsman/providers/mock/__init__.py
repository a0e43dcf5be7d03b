"""A provider without a model: deterministic answers, and faults by script.

The same script plays in process (the `mock` kind) and over a socket (`pointsman mock`).
"""
