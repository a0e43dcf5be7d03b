"""The canonical form: what every client dialect is decoded to and every provider encoded from.

Used only where client and provider speak different dialects, or where a stage must read what an
answer holds; otherwise bytes are passed through. It holds what at least one dialect and one
provider can both say. What has no place here is kept by name in `Conversation.extras`, so that
nothing is lost without being told: a provider that cannot say it refuses, maps or drops it, as
configured, and writes the change into the attempt.

Knows no wire format and no provider.
"""
