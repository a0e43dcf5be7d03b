"""A scripted model that does as it is asked: calls the tools it is given, fills schemas, or talks.

Chooses the scenario of a vendor's server by the request alone, in the words of OpenAI's chat API or
of Anthropic's messages, so that LangChain's standard tests find what a real model would give them.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from vendors.scenarios import Scenario, Text, ToolCall
from vendors.vendor_server import Received

Json = dict[str, Any]
JOKE = {"setup": "Why do cats like mice?", "punchline": "They are purr-fect."}
_TEXTS = {"answer_style": "pirate", **JOKE}
_QUOTED = re.compile(r"'([^']+)'")


def oblige(received: Received) -> Scenario | None:
    """Return what an obliging model would answer; None leaves requests without a body alone."""
    body = received.json
    if not isinstance(body, dict) or "messages" not in body:
        return None
    schema = _schema_asked(body)
    if schema is not None:
        return Scenario("document", (Text(json.dumps(_filled(schema))),))
    if _wants_json(body):
        return Scenario("document", (Text(json.dumps(JOKE)),))
    tools = _tools(body)
    if tools and _is_first_turn(body):
        name = _named(body) or next(iter(tools))
        arguments = _filled(tools[name])
        quoted = _QUOTED.search(_question(body))
        if quoted is not None and "customer_name" in arguments:
            arguments["customer_name"] = quoted[1]
        return Scenario("call", (ToolCall(name, arguments),), "tools")
    return Scenario("talk")


def choose_for(server: Any) -> Callable[[Received], Scenario | None]:
    """Make a vendor's server obliging; returns what it did before."""
    before, server.choose = server.choose, oblige
    return before


def _schema_asked(body: Json) -> Json | None:
    form = body.get("response_format") or (body.get("output_config") or {}).get("format") or {}
    if form.get("type") != "json_schema":
        return None
    schema: Json = form["schema"] if "schema" in form else form["json_schema"]["schema"]
    return schema


def _wants_json(body: Json) -> bool:
    return (body.get("response_format") or {}).get("type") == "json_object"


def _tools(body: Json) -> dict[str, Json]:
    declared = [tool.get("function", tool) for tool in body.get("tools") or []]
    return {
        tool["name"]: tool.get("parameters") or tool.get("input_schema") or {} for tool in declared
    }


def _named(body: Json) -> str | None:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return None
    name = choice.get("name") or (choice.get("function") or {}).get("name")
    return str(name) if name else None


def _question(body: Json) -> str:
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(each.get("text", "") for each in content)


def _is_first_turn(body: Json) -> bool:
    """Tell whether the last message is a question, not the result of a tool."""
    last = body["messages"][-1]
    content = last["content"]
    blocks = content if isinstance(content, list) else []
    return last["role"] == "user" and not any(each["type"] == "tool_result" for each in blocks)


def _filled(schema: Json) -> Json:
    properties = schema.get("properties") or {}
    return {name: _value(name, kind) for name, kind in properties.items()}


def _value(name: str, schema: Json) -> Any:
    if schema.get("type") == "integer":
        return 3
    if schema.get("type") == "object":
        return _filled(schema)
    return _TEXTS.get(name, "Oslo")
