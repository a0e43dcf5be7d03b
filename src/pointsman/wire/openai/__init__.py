"""The OpenAI API: https://platform.openai.com/docs/api-reference (read 2026-11)."""
