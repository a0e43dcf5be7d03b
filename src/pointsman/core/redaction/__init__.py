"""The one engine that takes personal data and secrets out of text, for prompts, logs and spans.

`engine` finds and replaces what `detectors` describe, `secrets` replaces values that are known to
be secret, `hashing` names text without telling it.
"""
