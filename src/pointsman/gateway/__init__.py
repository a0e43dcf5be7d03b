"""The request path. Read `pipeline.py` first: the order of stages is the order of its lines."""
