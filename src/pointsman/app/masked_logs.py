"""Keeps the configured secrets out of the log, tracebacks of other people's code included.

The last line of defence: nothing of ours logs a secret, but an exception from below may quote one.
"""

import logging
from urllib.parse import unquote, urlsplit

from pointsman.config.root import Config
from pointsman.config.section import Secret
from pointsman.core.redaction.secrets import SecretMask


class MaskingFormatter(logging.Formatter):
    """Formats as another formatter does, then masks.

    Args:
        inner: The formatter that was there before.
        mask: What must not appear.
    """

    def __init__(self, inner: logging.Formatter, mask: SecretMask) -> None:
        super().__init__()
        self.inner = inner
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole text of a log record, its traceback too, without the secrets."""
        return self._mask.mask(self.inner.format(record))


def mask_logs(config: Config, proxy: Secret | None = None) -> None:
    """Mask the secrets of `config` in everything that is logged from now on.

    Takes the place of the mask of an earlier configuration.

    Args:
        config: In force.
        proxy: The one that the environment names.
    """
    mask = SecretMask(_secrets(config, proxy))
    for handler in logging.getLogger().handlers:
        inner = handler.formatter or logging.Formatter()
        if isinstance(inner, MaskingFormatter):
            inner = inner.inner
        handler.setFormatter(MaskingFormatter(inner, mask))


def _secrets(config: Config, proxy: Secret | None) -> list[str]:
    found = [key.key for key in config.keys.values()]
    for provider in config.providers.values():
        found += [provider.api_key, provider.proxy, *provider.headers.values()]
    revealed = [secret.reveal() for secret in found if secret is not None]
    return [*revealed, *_passwords_in_addresses(config, proxy)]


def _passwords_in_addresses(config: Config, proxy: Secret | None) -> list[str]:
    found = [*(one.proxy for one in config.providers.values()), config.shared.url, proxy]
    urls = [secret.reveal() for secret in found if secret is not None]
    written = [password for url in urls if (password := urlsplit(url).password) is not None]
    # Libraries quote what they send, where nothing is percent-encoded any more.
    return [*written, *(unquote(password) for password in written)]
