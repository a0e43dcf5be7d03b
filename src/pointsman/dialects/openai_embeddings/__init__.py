"""OpenAI embeddings, as clients speak them."""
