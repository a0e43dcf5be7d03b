"""One gateway before scripted vendors, as every client of the matrix finds it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vendors.anthropic_api import AnthropicApi
from vendors.gemini_api import GeminiApi
from vendors.ollama_api import OllamaApi
from vendors.openai_api import OpenaiApi
from vendors.openai_flavors import OPENROUTER
from vendors.vendor_server import VendorServer

from running_gateway import running_gateway

CONFIG = """
providers:
  openai:
    kind: openai
    base_url: "{openai}/v1"
    api_key: "{openai_key}"
    dialects: [openai.chat, openai.responses, openai.embeddings]
  openrouter: {{kind: openrouter, base_url: "{openrouter}/api/v1", api_key: "{openrouter_key}"}}
  anthropic: {{kind: anthropic, base_url: "{anthropic}", api_key: "{anthropic_key}"}}
  gemini: {{kind: gemini, base_url: "{gemini}", api_key: "{gemini_key}"}}
  ollama: {{kind: ollama, base_url: "{ollama}"}}
targets:
  gpt-4.1: {{provider: openai, model: gpt-4.1}}
  claude-sonnet-4-6: {{provider: anthropic, model: claude-sonnet-4-6}}
  openai: {{provider: openai, model: gpt-4o-mini}}
  openrouter: {{provider: openrouter, model: gpt-4o-mini}}
  anthropic: {{provider: anthropic, model: claude-haiku-4-5}}
  gemini: {{provider: gemini, model: gemini-2.5-flash}}
  ollama: {{provider: ollama, model: "qwen3-vl:8b"}}
resilience: {{retry: {{max_retries: 0}}, breaker: {{enabled: false}}}}
"""


@dataclass
class Field:
    """The gateway, and the vendors behind it by the name of their target."""

    url: str
    vendors: dict[str, VendorServer]


@contextmanager
def matrix_field(folder: Path) -> Iterator[Field]:
    """Start the vendors and one gateway for all cells."""
    with ExitStack() as stack:
        vendors: dict[str, VendorServer] = {
            "openai": stack.enter_context(OpenaiApi()),
            "openrouter": stack.enter_context(OpenaiApi(OPENROUTER)),
            "anthropic": stack.enter_context(AnthropicApi()),
            "gemini": stack.enter_context(GeminiApi()),
            "ollama": stack.enter_context(OllamaApi(key="")),
        }
        places = {name: server.url for name, server in vendors.items()}
        keys = {f"{name}_key": server.key for name, server in vendors.items()}
        config = CONFIG.format(**places, **keys)
        gateway = stack.enter_context(running_gateway(folder, config=config))
        yield Field(gateway.url, vendors)
