"""Google's Gemini API (`generativelanguage.googleapis.com`, v1beta), as it is on the wire."""
