"""What calls cost: token usage as vendors report it, prices, estimates.

The only room that reads vendor usage fields and the only one that knows the price data.
"""
