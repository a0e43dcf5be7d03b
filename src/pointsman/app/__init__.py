"""The composition roots: the only place that names concrete classes and joins the rooms.

One file per role: `gateway.py` builds a gateway worker.
"""
