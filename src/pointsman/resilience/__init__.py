"""What becomes of failures: classify them, move on to the next target, remember who is healthy."""
