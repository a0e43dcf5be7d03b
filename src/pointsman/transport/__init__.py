"""Upstream HTTP/1.1: connection pool, a limit for each phase, backpressure, a real abort.

Knows bytes, framing and time. Does not know vendors, models, retries or decisions.
"""
