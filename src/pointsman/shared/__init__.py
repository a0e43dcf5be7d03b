"""State that several gateway workers share through Redis or Valkey: connection, sessions, loss.

`store.py` reads first. Knows scripts and replies, not what they count: whoever counts brings its
scripts. The Redis client is imported when a store connects, so that a gateway without Redis never
loads it.
"""
