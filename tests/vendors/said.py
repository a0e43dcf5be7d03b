"""What the tests of all scripted vendors have to say: prompts, a tool, a schema, a picture."""

import json
from typing import Any

from vendors.scenarios import Scenario
from vendors.vendor_server import Received

WEATHER_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
DOCUMENT_SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "temperature_c": {"type": "integer"},
        "is_raining": {"type": "boolean"},
    },
    "required": ["city", "temperature_c", "is_raining"],
    "additionalProperties": False,
}


def name_of(scenario: Scenario) -> str:
    """Return a test's id."""
    return scenario.name


def documents_of(received: Received) -> list[Any]:
    """Return the decoded body that was sent for a request; a stream of lines gives one each."""
    body = received.reply.body
    whole = body if isinstance(body, bytes) else b"".join(body)
    return [json.loads(line) for line in whole.splitlines()]


def sse_documents(received: Received) -> list[tuple[str | None, Any]]:
    """Return the event name and the decoded data of each event; `[DONE]` stays text."""
    found = []
    text = b"".join(received.reply.body).decode().replace("\r\n", "\n")
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if lines:
            data = lines["data"]
            found.append((lines.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found
