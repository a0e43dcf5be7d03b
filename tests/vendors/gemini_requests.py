"""What Google's Gemini API refuses in a request, and what a scenario may look for in one.

The request bodies are declared here as ai.google.dev/api/generate-content has them, out of the
SDK's types; the SDK's own parameters are not the wire's. Fields that the SDK marks as belonging
to the Enterprise platform alone are refused. Read 2026-11.
"""

import copy
import itertools
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Required, TypedDict, Union, get_args, get_origin

from google.genai import types
from pydantic.alias_generators import to_camel

from vendors.schema_check import SchemaError, bare, check, fields_of, is_object

_FOREIGN: dict[str, set[str]] = {
    # The parent's name on the wire, and fields that the Developer API does not have.
    "functionCall": {"partialArgs", "willContinue"},
    "inlineData": {"displayName"},
    "fileData": {"displayName"},
    "safetySettings": {"method"},
    "tools": {"retrieval", "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch"},
    "functionCallingConfig": {"streamFunctionCallArguments"},
    "generationConfig": {
        "audioTimestamp",
        "modelSelectionConfig",
        "routingConfig",
        "translationConfig",
    },
}
_FORMATS = ("text/plain", "application/json", "text/x.enum")


class GenerateContentRequest(TypedDict, total=False):
    """The body of `:generateContent` and `:streamGenerateContent`."""

    contents: Required[list[types.Content]]
    model: str
    systemInstruction: types.Content
    tools: list[types.Tool]
    toolConfig: types.ToolConfig
    safetySettings: list[types.SafetySetting]
    generationConfig: types.GenerationConfig
    cachedContent: str
    serviceTier: str
    store: bool


class CountTokensRequest(TypedDict, total=False):
    """The body of `:countTokens`."""

    contents: list[types.Content]
    generateContentRequest: GenerateContentRequest


class EmbedContentRequest(TypedDict, total=False):
    """The body of `:embedContent`, and one entry of `:batchEmbedContents`."""

    model: str
    content: Required[types.Content]
    taskType: str
    title: str
    outputDimensionality: int


class BatchEmbedContentsRequest(TypedDict):
    """The body of `:batchEmbedContents`."""

    requests: list[EmbedContentRequest]


@dataclass(frozen=True)
class Refusal:
    """An INVALID_ARGUMENT."""

    message: str
    field: str | None = None


def canonical(value: Any, annotation: Any) -> Any:
    """Return a body with the reference's names; the service takes the proto names as well."""
    annotation = bare(annotation)
    branches = [each for each in get_args(annotation) if each is not NoneType]
    if get_origin(annotation) in (Union, UnionType):
        return canonical(value, branches[0])
    if isinstance(value, list) and get_origin(annotation) is list:
        return [canonical(each, branches[0]) for each in value]
    if isinstance(value, dict) and get_origin(annotation) is dict:
        return {name: canonical(each, branches[1]) for name, each in value.items()}
    if not isinstance(value, dict) or not is_object(annotation):
        return value
    fields = fields_of(annotation)
    found = {}
    for name, each in value.items():
        known = to_camel(name) if to_camel(name) in fields else name
        found[known] = canonical(each, fields[known].annotation) if known in fields else each
    return found


def refusal_of(body: Any, schema: Any, model: str) -> Refusal | None:
    """Return what is wrong with a body of one of the four kinds; None for nothing."""
    if found := _refusal_of_shape(body, schema) or _refusal_of_foreign(body, ()):
        return found
    if schema is not GenerateContentRequest:
        return None
    rules = (_refusal_of_contents, _refusal_of_settings, _refusal_of_pairs)
    return next((said for rule in rules if (said := rule(body))), None) or (
        _refusal_of_signatures(body) if model.startswith("gemini-3") else None
    )


def present_in(body: dict[str, Any]) -> dict[str, bool]:
    """Return which of the things that scenarios expect are in the request."""
    parts = [part for content in body["contents"] for part in content.get("parts", ())]
    settings = body.get("generationConfig", {})
    has_schema = "responseSchema" in settings or "responseJsonSchema" in settings
    return {
        "image": any("inlineData" in part or "fileData" in part for part in parts),
        "tools": bool(declared_tools(body)),
        "json_schema": has_schema and settings.get("responseMimeType") == "application/json",
        "several_system": len(body.get("systemInstruction", {}).get("parts", ())) > 1,
        "stop": bool(settings.get("stopSequences")),
        "max_tokens": bool(settings.get("maxOutputTokens")),
        "reasoning": wants_thoughts(body),
    }


def wants_thoughts(body: dict[str, Any]) -> bool:
    """Tell whether thoughts are to be shown."""
    settings = body.get("generationConfig", {})
    return bool(settings.get("thinkingConfig", {}).get("includeThoughts"))


def declared_tools(body: dict[str, Any]) -> list[str]:
    """Return the names of the declared functions."""
    return [
        declared["name"]
        for tool in body.get("tools", ())
        for declared in tool.get("functionDeclarations", ())
    ]


def _refusal_of_shape(body: Any, schema: Any) -> Refusal | None:
    try:
        check(_with_upper_types(body), schema)
    except SchemaError as error:
        place = _place(error.path[:-1])
        if error.kind == "unknown":
            said = f'Unknown name "{error.path[-1]}"{f" at {place}" if place else ""}'
            text = f"Invalid JSON payload received. {said}: Cannot find field."
            return Refusal(text, _place(error.path[:-1]).strip("'"))
        if error.kind == "missing":
            name = f"{schema.__name__}.{error.where}"
            return Refusal(f"* {name}: {error.path[-1]} is not specified\n", error.where)
        text = f"Invalid value at {_place(error.path)} ({error.expected}), {error.got!r}"
        return Refusal(text, _place(error.path).strip("'"))
    return None


def _place(path: tuple[str | int, ...]) -> str:
    found = ""
    for step in path:
        found += f"[{step}]" if isinstance(step, int) else f"{'.' if found else ''}{_snake(step)}"
    return f"'{found}'" if found else ""


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def _with_upper_types(body: Any) -> Any:
    """The service takes a schema's `type` in either case; the reference has capitals."""
    found = copy.deepcopy(body)
    if not isinstance(found, dict):
        return found
    settings = found.get("generationConfig")
    _raise_types(settings.get("responseSchema") if isinstance(settings, dict) else None)
    for tool in found.get("tools") or ():
        for declared in (tool.get("functionDeclarations") if isinstance(tool, dict) else ()) or ():
            if isinstance(declared, dict):
                _raise_types(declared.get("parameters"))
                _raise_types(declared.get("response"))
    return found


def _raise_types(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            _raise_types(each)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("type"), str):
        schema["type"] = schema["type"].upper()
    for each in schema.values():
        _raise_types(each)


def _refusal_of_foreign(value: Any, path: tuple[str | int, ...]) -> Refusal | None:
    names = [step for step in path if isinstance(step, str)]
    if isinstance(value, list):
        found = (_refusal_of_foreign(each, (*path, at)) for at, each in enumerate(value))
        return next((each for each in found if each), None)
    if not isinstance(value, dict) or names[-1:] in (["args"], ["response"], ["properties"]):
        return None
    for name, inner in value.items():
        if names and name in _FOREIGN.get(names[-1], ()):
            text = f'Unknown name "{name}" at {_place(path)}: Cannot find field.'
            return Refusal(f"Invalid JSON payload received. {text}", _place(path).strip("'"))
        if found := _refusal_of_foreign(inner, (*path, name)):
            return found
    return None


def _refusal_of_contents(body: dict[str, Any]) -> Refusal | None:
    if not body["contents"]:
        return Refusal("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(body["contents"]):
        if content.get("role", "user") not in ("user", "model"):
            return Refusal("Please use a valid role: user, model.")
        if not content.get("parts"):
            name = f"GenerateContentRequest.contents[{index}].parts"
            return Refusal(f"* {name}: contents.parts must not be empty.\n")
        for place, part in enumerate(content["parts"]):
            if not any(name not in ("thought", "thoughtSignature") for name in part):
                name = f"GenerateContentRequest.contents[{index}].parts[{place}].data"
                return Refusal(
                    f"* {name}: required oneof field 'data' must have one initialized field\n"
                )
    return None


def _refusal_of_settings(body: dict[str, Any]) -> Refusal | None:
    settings = body.get("generationConfig", {})
    where = "* GenerateContentRequest.generation_config"
    form = settings.get("responseMimeType", "text/plain")
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in settings]
    formats = ", ".join(f"`{each}`" for each in _FORMATS)
    wrong = {
        f"{where}.temperature: temperature must be in the range [0.0, 2.0].\n": (
            not 0 <= settings.get("temperature", 0) <= 2
        ),
        "The number of stop sequences must not exceed 5.": (
            len(settings.get("stopSequences", ())) > 5
        ),
        f"{where}.response_mime_type: allowed mimetypes are {formats}.\n": form not in _FORMATS,
        "Only one of response_schema and response_json_schema may be set.": len(schemas) > 1,
        f"{where}.response_schema: only allowed with mime type `application/json`.\n": (
            form == "text/plain" and bool(schemas)
        ),
    }
    found = next((text for text, is_wrong in wrong.items() if is_wrong), None)
    return Refusal(found) if found else _refusal_of_tools(body)


def _refusal_of_tools(body: dict[str, Any]) -> Refusal | None:
    names = declared_tools(body)
    if len(set(names)) != len(names):
        return Refusal(f"Duplicate function declaration found: {names[-1]}")
    allowed = body.get("toolConfig", {}).get("functionCallingConfig", {})
    strangers = set(allowed.get("allowedFunctionNames", ())) - set(names)
    if strangers:
        return Refusal(f"allowed_function_names: {sorted(strangers)} are not declared.")
    return None


def _refusal_of_pairs(body: dict[str, Any]) -> Refusal | None:
    """A turn with calls is followed by a turn with as many responses."""
    counts = [
        (_count(content, "functionCall"), _count(content, "functionResponse"))
        for content in body["contents"]
    ]
    for (calls, _), (_, responses) in itertools.pairwise(counts):
        if calls and responses and calls != responses:
            return Refusal(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
    for index, (_, responses) in enumerate(counts):
        if responses and (index == 0 or not counts[index - 1][0]):
            return Refusal(
                "Please ensure that function response turn comes immediately after a function "
                "call turn."
            )
        if index and counts[index - 1][0] and not responses:
            return Refusal(
                "Please ensure that function call turn is followed by a function response turn."
            )
    return None


def _refusal_of_signatures(body: dict[str, Any]) -> Refusal | None:
    """From Gemini 3 on the first call of a turn comes back with its signature."""
    for index, content in enumerate(body["contents"]):
        calls = [part for part in content["parts"] if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"].get("name", "")
            return Refusal(
                "Function call is missing a thought_signature in functionCall parts. This is "
                "required for tools to work correctly. Additional data, function call "
                f"`default_api:{name}`, position {index + 1}."
            )
    return None


def _count(content: dict[str, Any], name: str) -> int:
    return sum(name in part for part in content["parts"])
