"""LangChain's published standard tests for chat models, against a gateway before scripted vendors.

Each client is run with a provider that speaks its dialect and with one that does not. What the
scripted vendors cannot answer, or the client does not do, is left out in `conftest.py`, by name and
with the reason.
"""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any, ClassVar

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from matrix_field import Field
from obliging_model import choose_for

_NUMBERS = count()


# A schema of Pydantic's first version makes the client warn, and fall back to tools; one of its
# second makes it warn about an object that it put into its own answer.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema")
class StandardTests(ChatModelIntegrationTests):
    """The standard tests through the gateway; subclasses name the client and the target."""

    target = ""
    client: type[BaseChatModel]
    address = ""
    path = ""
    options: ClassVar[dict[str, Any]] = {}

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        """The client."""
        return self.client

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """How an application makes it; the address is that of the gateway."""
        made = {"model": self.target, "api_key": "any", "max_retries": 0}
        return {**made, "base_url": self.address, **self.options}

    @pytest.fixture
    async def model(self, field: Field) -> AsyncIterator[BaseChatModel]:
        """The client at the gateway, before a vendor that does as it is asked."""
        server = field.vendors[self.target]
        before = choose_for(server)
        # LangChain keeps connections by address and time limit for the whole process; one that is
        # closed with its test's event loop must not come back.
        timeout = {"timeout": 30 + next(_NUMBERS) / 1000}
        self.address = field.url + self.path
        made = self.client(**self.chat_model_params, max_tokens=1024, **timeout)
        try:
            yield made
        finally:
            server.choose = before
            await self.close(made)

    async def close(self, model: Any) -> None:
        """Close the connections of a client, which it does not do by itself."""
        raise NotImplementedError

    @property
    def model_override_value(self) -> str:
        """Another model of the same provider."""
        return {"openai": "gpt-4.1", "anthropic": "claude-sonnet-4-6"}[self.target]


class OverChat(StandardTests):
    """`ChatOpenAI`."""

    client = ChatOpenAI
    path = "/v1"
    options: ClassVar[dict[str, Any]] = {"stream_usage": True}

    async def close(self, model: Any) -> None:
        """Close both of its clients."""
        model.root_client.close()
        await model.root_async_client.close()


class OverMessages(StandardTests):
    """`ChatAnthropic`."""

    client = ChatAnthropic

    async def close(self, model: Any) -> None:
        """Close both of its clients."""
        model._client.close()
        await model._async_client.close()


class TestChatOpenAiAtOpenAi(OverChat):
    """The same dialect on both sides."""

    target = "openai"


class TestChatOpenAiAtAnthropic(OverChat):
    """Chat completions to the Messages API."""

    target = "anthropic"


class TestChatAnthropicAtAnthropic(OverMessages):
    """The same dialect on both sides."""

    target = "anthropic"


class TestChatAnthropicAtOpenAi(OverMessages):
    """Messages to chat completions."""

    target = "openai"
