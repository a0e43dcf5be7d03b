"""The catalogue of what is known about a request before any target is called.

The names that explanations show are the names in `Facts`; shorter ones are aliases.
"""

from operator import attrgetter

from pointsman.core.conditions.after_call import AFTER_CALL_FIELDS
from pointsman.core.conditions.catalogue import Catalogue, Elsewhere, Field, FieldType
from pointsman.core.facts import Facts

HEALTH_STATES = ("ok", "degraded", "down")
COMPLEXITIES = ("low", "high")


def _text(name: str, says: str, *aliases: str, choices: tuple[str, ...] = ()) -> Field[Facts]:
    read = attrgetter(name)
    kind = FieldType.TEXT
    return Field(name=name, type=kind, read=read, says=says, aliases=aliases, choices=choices)


def _number(name: str, says: str, *aliases: str) -> Field[Facts]:
    kind = FieldType.NUMBER
    return Field(name=name, type=kind, read=attrgetter(name), says=says, aliases=aliases)


def _application_endpoint(facts: Facts) -> object:
    # The application's own route, not the path of the gateway; before the call, the
    # request's metadata is the only place that can name it.
    return facts.tags.get("endpoint")


def _primary_health(facts: Facts) -> object:
    name = facts.primary_provider
    return None if name is None else facts.provider_health.get(name)


REQUEST_FIELDS: Catalogue[Facts] = Catalogue(
    (
        _text("model", "the name the client sent, `auto` when it sent none", "request_model"),
        _text("dialect", "the client's dialect, as in `openai.chat`"),
        _text("operation", "`chat`, `embeddings` …"),
        _text("tenant", "the tenant of the key or the request"),
        _text("tier", "the plan of the tenant", "plan"),
        _text("key", "the name of the gateway key"),
        _text("user", "the user of the key or the request"),
        _text("team", "the team of the key or the request"),
        _text("customer", "the customer the request is made for"),
        _text("feature", "the feature of the application"),
        _text("environment", "the deployment: configured, unless the request says otherwise"),
        _text("workload", "the workload, as in `interactive` or `batch`"),
        _text("run_id", "the agent run"),
        _text("conversation_id", "the conversation"),
        _text("complexity", "given as metadata, else computed", choices=COMPLEXITIES),
        _text("primary_provider", "the provider of the route's default target"),
        _number("characters", "code points in the text of all messages", "chars"),
        _number("estimated_input_tokens", "tokens estimated from the characters", "tokens"),
        _number("message_count", "messages in the request", "messages"),
        _number("max_output_tokens", "the caller's limit of output tokens", "max_tokens"),
        _number("choice_count", "answers asked for (`n`)", "choices"),
        _number("tool_count", "tools offered to the model", "tools"),
        _number("image_count", "images in the messages", "images"),
        Field(
            name="endpoint",
            type=FieldType.TEXT,
            read=_application_endpoint,
            says="the application's route, from metadata `endpoint`",
        ),
        Field(
            name="gateway_endpoint",
            type=FieldType.TEXT,
            read=attrgetter("endpoint"),
            says="the path that was called at the gateway",
        ),
        Field(
            name="stream",
            type=FieldType.BOOLEAN,
            read=attrgetter("stream"),
            says="whether a streamed answer is asked for",
        ),
        Field(
            name="json_schema",
            type=FieldType.BOOLEAN,
            read=attrgetter("json_schema"),
            says="whether the answer must follow a JSON schema",
        ),
        Field(
            name="has_tools",
            type=FieldType.BOOLEAN,
            read=lambda facts: facts.tool_count > 0,
            says="whether tools are offered",
        ),
        Field(
            name="has_images",
            type=FieldType.BOOLEAN,
            read=lambda facts: facts.image_count > 0,
            says="whether a message holds an image",
        ),
        Field(
            name="tags",
            type=FieldType.MAP,
            read=attrgetter("tags"),
            says="metadata and tags of the request; `tags.severity` reads one",
            aliases=("metadata",),
            members=attrgetter("tags"),
        ),
        Field(
            name="provider_health",
            type=FieldType.TEXT,
            read=_primary_health,
            says="state of the route's primary provider; `provider_health.openai` of another",
            members=attrgetter("provider_health"),
            choices=HEALTH_STATES,
        ),
    ),
    Elsewhere(
        AFTER_CALL_FIELDS,
        "is known only after the call; a route is chosen before it",
    ),
)
