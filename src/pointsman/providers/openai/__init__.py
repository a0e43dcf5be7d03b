"""The OpenAI chat completions API, as OpenAI and everybody compatible with it serve it."""
