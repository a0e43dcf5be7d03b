"""`generationConfig`: sampling, limits, the form of the text, thinking.

Sources: google-genai 3.4.0, the vendor's SDK, `types.GenerationConfig`; the ranges of temperature
and candidates by https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/2-5-flash,
JSON beside tools by https://github.com/googleapis/python-genai/issues/867 (read 2026-11).
"""

from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, OutputFormat
from pointsman.providers.gemini.models import ModelFacts
from pointsman.providers.gemini.schema import output_schema
from pointsman.providers.gemini.thinking import thinking_config
from pointsman.providers.parameters import Parameters

MAX_STOPS = 5
MAX_CANDIDATES = 8
MAX_LOGPROBS = 20
MAX_TEMPERATURE = 2.0
_SEED_BITS = 0x7FFF_FFFF
_JSON = "application/json"
_JSON_ONLY = "Answer with a single JSON object and nothing else: no prose and no code fences."
_BY_SCHEMA = " It must follow this JSON Schema: "


def words_for_output(
    conversation: Conversation, facts: ModelFacts, parameters: Parameters
) -> str | None:
    """Return how JSON is asked for in the prompt; None where the API has a setting for it.

    Before Gemini 3 it has none beside tools, and answers 400 to both.
    """
    output = conversation.output
    if output is None:
        return None
    if facts.takes_json and (facts.takes_json_with_tools or not conversation.tools):
        return None
    parameters.map("response_format", f"{output.kind} asked for in the system prompt")
    schema = output.schema
    return _JSON_ONLY if schema is None else _JSON_ONLY + _BY_SCHEMA + bytes(schema).decode()


def generation_config(
    conversation: Conversation,
    facts: ModelFacts,
    parameters: Parameters,
    *,
    says_output_in_words: bool,
) -> dict[str, object]:
    """Return the settings that differ from the API's defaults.

    Args:
        conversation: What is said.
        facts: What the model takes.
        parameters: Gets what had to be mapped or dropped.
        says_output_in_words: The form of the text is asked for in the prompt.

    Raises:
        UpstreamError: As `Parameters` does.
    """
    config: dict[str, object] = {}
    _add_sampling(config, conversation, facts, parameters)
    _add_penalties(config, conversation, facts, parameters)
    _add_limits(config, conversation, facts, parameters)
    _add_alternatives(config, conversation, facts, parameters)
    if conversation.output is not None and not says_output_in_words:
        _add_form(config, conversation.output, parameters)
    thinking = thinking_config(conversation.reasoning, facts, parameters)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _add_sampling(
    config: dict[str, object],
    conversation: Conversation,
    facts: ModelFacts,
    parameters: Parameters,
) -> None:
    for name, theirs, value in (
        ("temperature", "temperature", conversation.temperature),
        ("top_p", "topP", conversation.top_p),
        ("top_k", "topK", conversation.top_k),
    ):
        if value is None:
            continue
        if not facts.takes_sampling:
            if name != "top_k" and value == 1:
                parameters.note(name, "1 -> absent, which is the same")
            else:
                parameters.drop(name)
        elif name == "temperature" and value > MAX_TEMPERATURE:
            parameters.map(name, f"{value:g} -> {MAX_TEMPERATURE:g}")
            config[theirs] = MAX_TEMPERATURE
        else:
            config[theirs] = value


def _add_penalties(
    config: dict[str, object],
    conversation: Conversation,
    facts: ModelFacts,
    parameters: Parameters,
) -> None:
    for name, theirs, value in (
        ("frequency_penalty", "frequencyPenalty", conversation.frequency_penalty),
        ("presence_penalty", "presencePenalty", conversation.presence_penalty),
    ):
        if value and facts.takes_penalties:
            config[theirs] = value
        elif value:
            parameters.drop(name)


def _add_limits(
    config: dict[str, object],
    conversation: Conversation,
    facts: ModelFacts,
    parameters: Parameters,
) -> None:
    wanted, most = conversation.max_output_tokens, facts.max_output_tokens
    if wanted is not None and most is not None and wanted > most:
        parameters.map("max_tokens", f"{wanted} -> {most}")
        wanted = most
    if wanted is not None:
        config["maxOutputTokens"] = wanted
    stops = [each for each in conversation.stop if each]
    if len(stops) > MAX_STOPS:
        parameters.map("stop", f"{len(stops)} sequences -> the first {MAX_STOPS}")
    if stops:
        config["stopSequences"] = stops[:MAX_STOPS]
    seed = conversation.seed
    if seed is not None and not 0 <= seed <= _SEED_BITS:
        # The API's seed is a signed number of 32 bits; equal seeds stay equal.
        parameters.map("seed", f"{seed} -> {seed & _SEED_BITS}")
        seed &= _SEED_BITS
    if seed is not None:
        config["seed"] = seed


def _add_alternatives(
    config: dict[str, object],
    conversation: Conversation,
    facts: ModelFacts,
    parameters: Parameters,
) -> None:
    count = conversation.choice_count
    if count is not None and count > MAX_CANDIDATES:
        parameters.map("n", f"{count} -> {MAX_CANDIDATES}")
        count = MAX_CANDIDATES
    if count is not None and count > 1:
        config["candidateCount"] = count
    if not conversation.logprobs:
        return
    if not facts.takes_logprobs:
        parameters.drop("logprobs")
        return
    config["responseLogprobs"] = True
    if conversation.top_logprobs:
        config["logprobs"] = min(conversation.top_logprobs, MAX_LOGPROBS)


def _add_form(config: dict[str, object], output: OutputFormat, parameters: Parameters) -> None:
    config["responseMimeType"] = _JSON
    if output.kind != "json_schema" or output.schema is None:
        return
    schema, removed = output_schema(Raw(output.schema))
    if removed:
        parameters.map("response_format.schema", f"{', '.join(removed)} told in words")
    config["responseJsonSchema"] = schema
