"""What happened, kept: calls, attempts, spans, decisions and content, and questions about them."""
