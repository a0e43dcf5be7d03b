"""The vocabulary of the product: plain types and pure functions, no input or output."""
