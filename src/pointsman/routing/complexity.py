"""How complex a request is, as a word that conditions can read: `low` or `high`.

A stated rule over counts, no model call and no look at the text. What the caller says in the tag
`complexity` wins over it.
"""

from pointsman.core.conditions.request_fields import COMPLEXITIES
from pointsman.core.facts import Facts

HIGH_INPUT_TOKENS = 2000
"""More estimated input tokens than this make a request complex: about 8000 characters."""
HIGH_TOOL_COUNT = 4
"""More tools than this: the model has to choose among them, not only use one."""
HIGH_MESSAGE_COUNT = 12
"""More messages than this: six turns and more have to be kept apart."""
SCHEMA_INPUT_TOKENS = 1000
"""With a JSON schema to follow, half the tokens are enough."""


def complexity_of(facts: Facts) -> str:
    """Return the complexity given in the tags, else the computed one.

    A tag with any other word than `low` or `high` says nothing and is passed over.
    """
    given = facts.tags.get("complexity")
    return given if given in COMPLEXITIES else _computed(facts)


def _computed(facts: Facts) -> str:
    tokens = facts.estimated_input_tokens
    is_high = (
        tokens > HIGH_INPUT_TOKENS
        or facts.tool_count > HIGH_TOOL_COUNT
        or facts.message_count > HIGH_MESSAGE_COUNT
        or (facts.json_schema and tokens > SCHEMA_INPUT_TOKENS)
    )
    return "high" if is_high else "low"
