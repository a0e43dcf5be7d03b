"""OpenAI's chat completions to the canonical form and back."""

import msgspec
import pytest
from msgspec import Raw
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from pointsman.core.canonical.answer import Answer, AnswerChoice
from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ReasoningWish,
    ToolChoice,
    Turn,
)
from pointsman.core.canonical.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from pointsman.core.canonical.parts import (
    AudioPart,
    CacheHint,
    FilePart,
    ImagePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import InvalidRequestError
from pointsman.core.usage import Usage
from pointsman.dialects.openai_chat.decode import decode
from pointsman.dialects.openai_chat.encode import encode
from pointsman.dialects.openai_chat.stream import ChatStreamEncoder

USER = {"role": "user", "content": "hello"}
PLAIN = Conversation(dialect="openai.chat", turns=[])


def decoded(*messages, **parameters) -> Conversation:
    body = {"model": "m", "messages": list(messages) or [USER], **parameters}
    return decode(msgspec.json.encode(body))


def parts_of(*content) -> list:
    return decoded({"role": "user", "content": list(content)}).turns[0].parts


def refusal_of(*messages, **parameters) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        decoded(*messages, **parameters)
    return caught.value


class TestMessages:
    def test_instructions_at_the_head_are_apart_and_later_ones_stay_in_place(self):
        """`system` and `developer` are one; only those before the first turn are the head."""
        conversation = decoded(
            {"role": "developer", "content": "one"},
            {"role": "system", "content": [{"type": "text", "text": "two"}]},
            USER,
            {"role": "system", "content": "three"},
        )

        assert conversation.system == [TextPart("one"), TextPart("two")]
        assert [turn.role for turn in conversation.turns] == ["user", "system"]

    def test_pictures_come_by_address_or_as_data(self):
        """A data URL is taken apart, an address is kept."""
        url = {"url": "data:image/png;base64,AAAA", "detail": "low"}
        parts = parts_of(
            {"type": "image_url", "image_url": url},
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
            {"type": "image_url", "image_url": "https://x.test/b.png"},
        )

        assert parts == [
            ImagePart(data="AAAA", media_type="image/png", detail="low"),
            ImagePart(url="https://x.test/a.png"),
            ImagePart(url="https://x.test/b.png"),
        ]

    def test_sound_and_documents_have_their_types(self):
        """A document without a type is a PDF."""
        parts = parts_of(
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            {"type": "file", "file": {"file_data": "data:text/csv;base64,BB", "filename": "a.csv"}},
            {"type": "file", "file": {"file_data": "CC"}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "file", "file": {"file_data": "https://x.test/a.pdf"}},
        )

        assert parts == [
            AudioPart("AA", "audio/wav"),
            FilePart(data="BB", media_type="text/csv", filename="a.csv"),
            FilePart(data="CC", media_type="application/pdf"),
            FilePart(file_id="file-1"),
            FilePart(url="https://x.test/a.pdf"),
        ]

    def test_wishes_to_cache_are_kept(self):
        """OpenRouter's and OpenAI's forms are one."""
        parts = parts_of(
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
        )

        assert [part.cache for part in parts] == [CacheHint("1h"), CacheHint()]

    def test_an_answer_comes_back_with_its_reasoning_calls_and_proofs(self):
        """What must come back to a provider unchanged does."""
        turn = decoded(
            {
                "role": "assistant",
                "content": "text",
                "refusal": "no",
                "reasoning_content": "ignored beside the details",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "signature": "sig", "index": 0},
                    {"type": "reasoning.encrypted", "data": "xyz", "id": "rs_1"},
                ],
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "gs"}},
                    }
                ],
            }
        ).turns[0]

        assert turn.parts == [
            ReasoningPart("hm", signature="sig"),
            ReasoningPart(encrypted="xyz", id="rs_1"),
            TextPart("text"),
            RefusalPart("no"),
            ToolCallPart("c1", "f", "{}", signature="gs"),
        ]

    @pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
    def test_plain_reasoning_comes_back_as_text(self, key: str):
        """Whichever of the two names its server uses."""
        turn = decoded({"role": "assistant", "content": None, key: "hm"}).turns[0]

        assert turn == Turn("assistant", [ReasoningPart("hm")])

    def test_results_of_tools_are_parts_of_user_turns(self):
        """Also in parts, as some clients send pictures."""
        image = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
        turns = decoded(
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            {"role": "tool", "tool_call_id": "c2", "content": [image], "name": "f"},
        ).turns

        assert turns == [
            Turn("user", [ToolResultPart("c1", [TextPart("1")])]),
            Turn("user", [ToolResultPart("c2", [ImagePart(url="https://x.test/a.png")], "f")]),
        ]

    def test_functions_of_the_time_before_tools_find_their_calls(self):
        """They have no ids, so one is made and the result finds it by name."""
        conversation = decoded(
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            functions=[{"name": "f", "parameters": {"type": "object"}}],
            function_call={"name": "f"},
        )
        call, result = conversation.turns[0].parts[0], conversation.turns[1].parts[0]

        assert isinstance(call, ToolCallPart)
        assert isinstance(result, ToolResultPart)
        assert call.id == result.call_id
        assert conversation.tools[0].schema == Raw(b'{"type":"object"}')
        assert conversation.tool_choice == ToolChoice("named", "f")
        assert conversation.calls_are_functions


class TestParameters:
    def test_what_has_a_place_is_in_it(self):
        """Names of OpenAI become ours."""
        schema = {"name": "s", "schema": {"type": "object"}, "strict": True}
        conversation = decoded(
            max_completion_tokens=9,
            max_tokens=8,
            stop="END",
            reasoning_effort="low",
            response_format={"type": "json_schema", "json_schema": schema},
            temperature=1,
            n=2,
            logprobs=True,
            top_logprobs=3,
            tool_choice="required",
            tools=[{"type": "function", "function": {"name": "f"}}],
            parallel_tool_calls=False,
            stream=True,
            user="u",
        )

        assert conversation.max_output_tokens == 9
        assert conversation.stop == ["END"]
        assert conversation.reasoning == ReasoningWish(effort="low")
        assert conversation.output == OutputFormat(
            "json_schema", name="s", schema=Raw(b'{"type":"object"}'), strict=True
        )
        assert conversation.temperature == 1.0
        assert (conversation.choice_count, conversation.top_logprobs) == (2, 3)
        assert conversation.tool_choice == ToolChoice("required")
        assert conversation.tools[0].schema is None
        assert conversation.extras == {}

    def test_the_rest_is_kept_by_name_unless_it_says_nothing(self):
        """Null, written defaults and what is meant for the gateway are not parameters."""
        conversation = decoded(
            logit_bias={"50256": -100},
            prediction=None,
            store=False,
            modalities=["text"],
            metadata={"a": "b"},
            tenant_id="t",
            stream_options={"include_usage": True},
            n=1,
            logprobs=False,
            top_logprobs=0,
            response_format={"type": "text"},
        )

        assert conversation.extras == {"logit_bias": Raw(b'{"50256":-100}')}
        assert conversation.choice_count is None
        assert conversation.output is None

    def test_tools_of_the_provider_are_kept_as_written(self):
        """`custom` tools and the like are the provider's to take or refuse."""
        tool = {"type": "custom", "custom": {"name": "grammar"}}
        provider_tool = decoded(tools=[tool]).provider_tools[0]

        assert provider_tool.type == "custom"
        assert msgspec.json.decode(provider_tool.definition) == tool

    def test_allowed_tools_leave_only_themselves(self):
        """The others cannot be called then, which is what was asked for."""
        allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
        conversation = decoded(
            tools=[{"type": "function", "function": {"name": name}} for name in "fg"],
            tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
        )

        assert [tool.name for tool in conversation.tools] == ["g"]
        assert conversation.tool_choice == ToolChoice("required")


class TestErrors:
    @pytest.mark.parametrize(
        ("content", "path"),
        [
            ({"type": "image_url", "image_url": {"url": 7}}, "image_url.url"),
            ({"type": "image_url", "image_url": {"url": "data:,secret"}}, "image_url.url"),
            ({"type": "image_url"}, "image_url"),
            ({"type": "hologram"}, "type"),
            ({"type": "file", "file": {}}, "file"),
        ],
    )
    def test_an_error_says_where_and_not_what(self, content: dict, path: str):
        """The path is that of the body; values may be prompts."""
        error = refusal_of(USER, {"role": "user", "content": [content]})

        assert error.param in (f"messages[1].content[0].{path}", "messages[1].content[0].image_url")
        assert "secret" not in str(error)

    @pytest.mark.parametrize(
        ("message", "path"),
        [
            ({"role": "robot", "content": "x"}, "messages[0].role"),
            ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
            ({"role": "function", "name": "f", "content": "x"}, "messages[0].name"),
            ({"role": "assistant", "audio": {"id": "a"}}, "messages[0].audio"),
            (
                {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]},
                "messages[0].tool_calls[0].type",
            ),
            ({"content": "x"}, "messages[0]"),
        ],
    )
    def test_a_message_that_cannot_be_understood_is_refused(self, message: dict, path: str):
        """With its place."""
        assert refusal_of(message).param == path

    def test_tools_are_read_with_their_place(self):
        """Each by itself."""
        tools = [
            {"type": "function", "function": {"name": "f"}},
            {"type": "function", "function": {}},
        ]

        assert refusal_of(tools=tools).param == "tools[1].function"

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": []}', b"\xff"])
    def test_rubbish_is_refused_as_such(self, body: bytes):
        """Never anything but the one error."""
        with pytest.raises(InvalidRequestError):
            decode(body)


class TestWholeAnswers:
    def test_the_official_client_reads_every_kind_of_content(self):
        """Text, refusal, reasoning, calls, usage; with what must come back."""
        answer = Answer(
            id="a1",
            model="m",
            created_unix_s=7,
            choices=[
                AnswerChoice(
                    [
                        ReasoningPart("hm", signature="sig"),
                        TextPart("he"),
                        TextPart("llo"),
                        ToolCallPart("c1", "f", "{}", signature="gs"),
                    ],
                    "tool_calls",
                ),
                AnswerChoice([RefusalPart("no")], "refusal"),
            ],
            usage=Usage(input_tokens=3, output_tokens=4, cache_read_tokens=1, reasoning_tokens=2),
        )
        body = encode(answer, PLAIN)
        completion = ChatCompletion.model_validate_json(body, strict=True)
        message = msgspec.json.decode(body)["choices"][0]["message"]
        back = decoded(message).turns[0].parts

        assert completion.choices[0].message.content == "hello"
        assert [choice.finish_reason for choice in completion.choices] == ["tool_calls", "stop"]
        assert completion.choices[1].message.refusal == "no"
        assert completion.usage.total_tokens == 7
        assert completion.usage.prompt_tokens_details.cached_tokens == 1
        assert message["reasoning_content"] == "hm"
        assert back == [
            ReasoningPart("hm", signature="sig"),
            TextPart("hello"),
            ToolCallPart("c1", "f", "{}", signature="gs"),
        ]

    @pytest.mark.parametrize(
        ("reason", "word"),
        [
            ("stop", "stop"),
            ("stop_sequence", "stop"),
            ("length", "length"),
            ("content_filter", "content_filter"),
            ("refusal", "content_filter"),
            ("pause", "stop"),
            (None, "stop"),
        ],
    )
    def test_every_reason_has_a_word(self, reason, word: str):
        """Of those that the API has."""
        choice = AnswerChoice([TextPart("x")], reason)
        body = encode(Answer(id="a", model="m", created_unix_s=0, choices=[choice]), PLAIN)

        assert msgspec.json.decode(body)["choices"][0]["finish_reason"] == word

    def test_clients_of_functions_get_a_function_call(self):
        """The form that they asked in."""
        conversation = Conversation(dialect="openai.chat", turns=[], calls_are_functions=True)
        choice = AnswerChoice([ToolCallPart("c", "f", "{}")], "tool_calls")
        body = encode(Answer(id="a", model="m", created_unix_s=0, choices=[choice]), conversation)
        completion = ChatCompletion.model_validate_json(body, strict=True)

        assert completion.choices[0].message.function_call.name == "f"
        assert completion.choices[0].message.tool_calls is None
        assert completion.choices[0].finish_reason == "function_call"


class TestStreams:
    def chunks(self, *batches, wants_usage: bool = False, conversation: Conversation = PLAIN):
        encoder = ChatStreamEncoder(conversation, wants_usage=wants_usage)
        frames = [frame for batch in batches for frame in encoder.encode(batch)]
        frames += encoder.end()
        for frame in frames:
            ChatCompletionChunk.model_validate_json(frame.data, strict=True)
        return [msgspec.json.decode(frame.data) for frame in frames]

    def test_the_role_comes_first_and_the_reason_last(self):
        """For every choice."""
        chunks = self.chunks(
            [Started("a", "m", 7), TextDelta("x"), TextDelta("y", 1), Finished("stop")],
            [Finished("length", 1)],
        )
        said = [chunk["choices"][0] for chunk in chunks]

        assert [(choice["index"], choice["delta"]) for choice in said] == [
            (0, {"role": "assistant", "content": ""}),
            (0, {"content": "x"}),
            (1, {"role": "assistant", "content": ""}),
            (1, {"content": "y"}),
            (0, {}),
            (1, {}),
        ]
        assert [choice["finish_reason"] for choice in said[-2:]] == ["stop", "length"]
        assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
            ("a", 7, "m")
        }

    def test_calls_come_with_their_index(self):
        """First who is called, then the arguments in pieces."""
        chunks = self.chunks(
            [
                Started("a", "m", 7),
                ToolCallStarted("c1", "f", 0, signature="gs"),
                ToolCallDelta('{"a"', 0),
                ToolCallStarted("c2", "g", 1),
                ToolCallDelta("{}", 1),
                ToolCallDelta(":1}", 0),
                Finished("tool_calls"),
            ]
        )
        calls = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks[1:-1]]

        assert calls[0]["extra_content"] == {"google": {"thought_signature": "gs"}}
        assert [call["index"] for call in calls] == [0, 0, 1, 1, 0]
        assert "".join(c["function"]["arguments"] for c in calls if c["index"] == 0) == '{"a":1}'

    def test_usage_is_told_once_after_the_last_reason_and_only_if_asked(self):
        """With the last figures, in a chunk without choices."""
        batches = (
            [Started("a", "m", 7, Usage(input_tokens=1)), TextDelta("x")],
            [UsageReported(Usage(input_tokens=3, output_tokens=1)), TextDelta("y")],
            [Finished("stop"), UsageReported(Usage(input_tokens=3, output_tokens=2))],
        )
        asked = self.chunks(*batches, wants_usage=True)
        not_asked = self.chunks(*batches)

        assert asked[-1]["choices"] == []
        assert asked[-1]["usage"]["total_tokens"] == 5
        assert [chunk for chunk in asked if "usage" in chunk] == asked[-1:]
        assert not any("usage" in chunk for chunk in not_asked)

    def test_a_proven_block_of_reasoning_is_whole_in_the_details(self):
        """So that a client can send it back; each block by its index."""
        chunks = self.chunks(
            [
                Started("a", "m", 7),
                ReasoningDelta("h"),
                ReasoningDelta("m"),
                ReasoningDelta(signature="s1"),
                ReasoningDelta(encrypted="xx"),
                TextDelta("t"),
                Finished("stop"),
            ]
        )
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks]

        assert [delta.get("reasoning_content") for delta in deltas[1:3]] == ["h", "m"]
        assert [
            delta["reasoning_details"][0] for delta in deltas if "reasoning_details" in delta
        ] == [
            {"type": "reasoning.text", "text": "hm", "signature": "s1", "index": 0},
            {"type": "reasoning.encrypted", "data": "xx", "index": 1},
        ]

    def test_refusals_and_log_probabilities_have_their_place(self):
        """As OpenAI streams them."""
        chunks = self.chunks(
            [
                Started("a", "m", 7),
                TextDelta("x", logprobs=Raw(b'{"content":[],"refusal":null}')),
                RefusalDelta("no"),
                Finished("refusal"),
            ]
        )

        assert chunks[1]["choices"][0]["logprobs"] == {"content": [], "refusal": None}
        assert chunks[2]["choices"][0]["delta"] == {"refusal": "no"}
        assert chunks[3]["choices"][0]["finish_reason"] == "stop"

    def test_clients_of_functions_get_pieces_of_a_function_call(self):
        """The form that they asked in."""
        chunks = self.chunks(
            [
                Started("a", "m", 7),
                ToolCallStarted("c1", "f", 0),
                ToolCallDelta("{}", 0),
                Finished("tool_calls"),
            ],
            conversation=Conversation(dialect="openai.chat", turns=[], calls_are_functions=True),
        )

        assert chunks[1]["choices"][0]["delta"] == {"function_call": {"name": "f", "arguments": ""}}
        assert chunks[3]["choices"][0]["finish_reason"] == "function_call"
