"""Prompt policy: rules that block, redact, flag or reroute by what a prompt or answer holds.

`rule` is one compiled rule, `compile_prompt_rules` makes them, `examination` applies them to one
side of one call, `window` lets a stream through no faster than it can be judged. Knows texts and
facts; where the texts stand in a body is the gateway's business.
"""
