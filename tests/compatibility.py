"""What each client can ask of each provider family: the cells of the matrix, and what is in them.

The tests in `contract/matrix` prove every cell, and that docs/compatibility.md says the same;
`make contract` runs them and prints the page. A cell that is not `yes` says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from langchain_standard import LEFT_OUT
from sdk_clients import (
    Ask,
    Wish,
    anthropic_messages,
    langchain_anthropic,
    langchain_openai,
    openai_chat,
    openai_responses,
)
from vendors import scenarios
from vendors.scenarios import Scenario

FAMILIES = ("openai", "openrouter", "anthropic", "gemini", "ollama")
"""Targets of the gateway in the matrix; OpenRouter stands for compatible servers that show what
their models think."""
VERCEL = "Vercel AI SDK"
CLIENTS: dict[str, Ask | None] = {
    "openai (chat)": openai_chat,
    "openai (responses)": openai_responses,
    "anthropic": anthropic_messages,
    "LangChain ChatOpenAI": langchain_openai,
    "LangChain ChatAnthropic": langchain_anthropic,
    VERCEL: None,
}
"""Name -> how to ask; None is asked through the process that the tests start."""


@dataclass(frozen=True)
class Feature:
    """One column: what is asked for, and what the vendor answers."""

    name: str
    scenario: Scenario
    wish: Wish
    status: int | None = None
    """Of the error that the client must see; None is an answer."""


FEATURES = (
    Feature("plain", scenarios.TEXT, Wish()),
    Feature("streaming", scenarios.TEXT, Wish(stream=True)),
    Feature("tools", scenarios.TOOLS, Wish(tools=True)),
    Feature("tools, streaming", scenarios.TOOLS, Wish(tools=True, stream=True)),
    Feature("parallel tools", scenarios.PARALLEL_TOOLS, Wish(tools=True)),
    Feature("parallel tools, streaming", scenarios.PARALLEL_TOOLS, Wish(tools=True, stream=True)),
    Feature("JSON schema", scenarios.JSON_SCHEMA, Wish(schema=True)),
    Feature("image", scenarios.IMAGE, Wish(image=True)),
    Feature("reasoning", scenarios.REASONING, Wish(reasoning=True)),
    Feature("reasoning, streaming", scenarios.REASONING, Wish(reasoning=True, stream=True)),
    Feature("error 400", scenarios.ERROR_400, Wish(), 400),
    # The gateway's own credential or model is wrong: nothing that the client could mend.
    Feature("error 401", scenarios.ERROR_401, Wish(), 502),
    Feature("error 404", scenarios.ERROR_404, Wish(), 502),
    Feature("error 429", scenarios.ERROR_429, Wish(), 503),
    Feature("error 500", scenarios.ERROR_500, Wish(), 502),
    Feature("error 500, streaming", scenarios.ERROR_500, Wish(stream=True), 502),
)

SHOWS_NO_THOUGHTS = {
    "openai": "counted, not shown: the chat API of this vendor never shows them",
}
"""Families whose API does not tell what the model thought."""
HIDES_THOUGHTS = {
    "LangChain ChatOpenAI": "the text arrives; the client drops `reasoning_content`",
}
"""Clients that do not hand on what they get."""


def remark(client: str, family: str, feature: Feature) -> str | None:
    """Return why thoughts are not seen in a cell; None where everything is."""
    if not feature.wish.reasoning:
        return None
    if family == "openai" and client == "openai (responses)":
        return None
    return SHOWS_NO_THOUGHTS.get(family) or HIDES_THOUGHTS.get(client)


_REMARKS = (*SHOWS_NO_THOUGHTS.values(), *HIDES_THOUGHTS.values())
FRAME = Path(__file__).with_name("compatibility_frame.md")
"""What the page says around the tables."""
PAGE = Path(__file__).parent.parent / "docs" / "compatibility.md"


def page() -> str:
    """Return docs/compatibility.md."""
    tables = "\n".join([*_clients(), *_tables(), *_remarks(), *_standard()])
    return FRAME.read_text().replace("<!-- tables -->", tables.rstrip())


def _clients() -> Iterator[str]:
    packages = ("openai", "anthropic", "langchain-openai", "langchain-anthropic")
    tested = ", ".join(f"{name} {version(name)}" for name in packages)
    yield f"Tested with {tested}, and the Vercel AI SDK of `tests/vercel_client/package.json`."
    yield ""


def _tables() -> Iterator[str]:
    for family in FAMILIES:
        yield f"## {family}\n"
        yield "| | " + " | ".join(CLIENTS) + " |"
        yield "|---|" + "---|" * len(CLIENTS)
        for feature in FEATURES:
            cells = (_cell(client, family, feature) for client in CLIENTS)
            yield f"| {feature.name} | " + " | ".join(cells) + " |"
        yield ""


def _standard() -> Iterator[str]:
    yield "## LangChain's standard tests\n"
    yield "The published integration tests for chat models pass for `ChatOpenAI` and"
    yield "`ChatAnthropic`, each at OpenAI and at Anthropic. Left out:\n"
    yield from (f"- `{name}`: {why}" for name, why in LEFT_OUT.items())


def _cell(client: str, family: str, feature: Feature) -> str:
    if feature.status is not None:
        return str(feature.status)
    why = remark(client, family, feature)
    return "yes" if why is None else f"text only [{_REMARKS.index(why) + 1}]"


def _remarks() -> Iterator[str]:
    yield from (f"[{number}] {why}.\n" for number, why in enumerate(_REMARKS, 1))


if __name__ == "__main__":
    PAGE.write_text(page())
    print(page())  # what `make contract` shows
