"""What users write: one file per section, the loader, the checks and the JSON Schema.

A `…Config` is what a user wrote, decoded and checked. Turning it into running objects is the
business of the rooms that own those objects, called from `app`.
"""
