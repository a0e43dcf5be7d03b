"""Configured secrets stay out of the log, whoever puts them into a message."""

import io
import logging
from collections.abc import Iterator

import pytest

from pointsman.app.masked_logs import mask_logs
from pointsman.config.loader import load_text

SECRETS = {
    "PROVIDER": "planted-provider-secret",
    "HEADER": "planted-header-secret",
    "KEY": "planted-gateway-secret",
}
CONFIG = """
providers: {mock: {kind: mock, api_key: "${PROVIDER}", headers: {x-extra: "${HEADER}"}}}
keys: {ci: {key: "${KEY}"}}
"""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that the root logger writes, and only for this test."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    before = {each: each.formatter for each in root.handlers}
    root.addHandler(handler)
    yield text
    root.removeHandler(handler)
    for each, formatter in before.items():
        each.setFormatter(formatter)


def test_a_secret_in_a_traceback_is_masked(log: io.StringIO):
    """A library that quotes a credential in its exception does not put it into our log."""
    mask_logs(load_text(CONFIG, file="pointsman.yaml", environment=SECRETS).config)

    try:
        raise ValueError(f"refused with {SECRETS['PROVIDER']} and {SECRETS['HEADER']}")
    except ValueError:
        logging.getLogger("any.library").exception("call with %s failed", SECRETS["KEY"])

    written = log.getvalue()
    assert "Traceback" in written
    assert written.startswith("ERROR call with [redacted: secret] failed")
    assert not any(secret in written for secret in SECRETS.values())


def test_a_reload_masks_the_new_secrets_with_one_mask(log: io.StringIO):
    """The mask of the configuration before is replaced, not wrapped."""
    mask_logs(load_text(CONFIG, file="pointsman.yaml", environment=SECRETS).config)
    changed = {**SECRETS, "KEY": "another-gateway-secret"}
    mask_logs(load_text(CONFIG, file="pointsman.yaml", environment=changed).config)

    logging.getLogger("any").warning("%s %s", SECRETS["KEY"], changed["KEY"])

    assert log.getvalue() == f"WARNING {SECRETS['KEY']} [redacted: secret]\n"


def test_passwords_in_addresses_are_masked_as_written_and_as_sent(log: io.StringIO):
    """Of Redis and of the environment's proxy: a library quotes them decoded."""
    environment = {"https_proxy": "http://me:proxy%40pass@proxy.example:3128"}
    config = (
        'providers: {mock: {kind: mock}}\nshared: {url: "redis://:redis%23pass@127.0.0.1:6379/0"}'
    )
    loaded = load_text(config, file="pointsman.yaml", environment=environment)
    mask_logs(loaded.config, loaded.proxy.url)

    logging.getLogger("any").warning("proxy@pass proxy%40pass redis#pass redis%23pass")

    assert "pass" not in log.getvalue()
