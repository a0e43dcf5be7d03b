"""Vendor schemas as they are on the wire, and the SSE codec. No logic."""
