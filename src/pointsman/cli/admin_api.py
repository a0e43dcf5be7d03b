"""Asks the collector's admin API: finds it and its token through the data folder.

Owns the one request and the sentences for what can go wrong. Knows no particular endpoint.
"""

import getpass
import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from pointsman.cli.exit_codes import BAD_CONFIG, DATA_UNUSABLE, NOT_FOUND, UNREACHABLE
from pointsman.config.checks.server import is_loopback
from pointsman.config.data_folder import DataFolderError, read_token

DEFAULT_URL = "http://127.0.0.1:3101"
URL_FILE = "collector.url"
"""In the data folder, written by whoever starts the collector on another address."""
_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class AdminApiError(Exception):
    """The request did not succeed; the message is for people."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Error(Struct):
    message: str = ""


class _ErrorBody(Struct):
    error: _Error


class AdminApi:
    """The admin API of one collector.

    Args:
        data_dir: Where the token lies, and the address when none is named.
        url: Address of the collector; None finds it.
        allow_plain_http: Send the token without TLS to a host that is not this one.

    Raises:
        AdminApiError: The address cannot be used, or there is no token.
    """

    def __init__(self, data_dir: Path, url: str | None, *, allow_plain_http: bool = False) -> None:
        self.url = url or _saved_url(data_dir) or DEFAULT_URL
        try:
            parts = urlsplit(self.url if "//" in self.url else f"http://{self.url}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if host is None or parts.scheme not in ("http", "https") or parts.username is not None:
            raise AdminApiError(f"{self.url!r} is not the address of a collector", BAD_CONFIG)
        if parts.scheme == "http" and not is_loopback(host) and not allow_plain_http:
            raise AdminApiError(
                f"the admin token would travel to {host} in clear; use https://, or --plain-http "
                "inside a network that you trust",
                BAD_CONFIG,
            )
        self._is_tls = parts.scheme == "https"
        self._host, self._port, self._prefix = host, port, parts.path.rstrip("/")
        try:
            self._token = read_token(data_dir, "admin")
        except DataFolderError as error:
            raise AdminApiError(str(error), DATA_UNUSABLE) from None

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send one request and return the body of the answer.

        Raises:
            AdminApiError: Nobody answers, or the answer is an error.
        """
        try:
            status, answer = self._exchange(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise AdminApiError(
                f"no collector answers at {self.url} ({error}); start one with `pointsman up`, or "
                "name its address with --collector",
                UNREACHABLE,
            ) from None
        if status == 401:
            raise AdminApiError(
                f"the collector at {self.url} refuses the admin token; it works on another data "
                "folder: name that one with --data-dir",
                UNREACHABLE,
            )
        if not 200 <= status < 300:
            raise AdminApiError(_reason(status, answer), _exit_code(status))
        return answer

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = self._connection()
        headers = {
            "authorization": f"Bearer {self._token}",
            "accept": "application/json",
            "x-pointsman-actor": _user_name(),
        }
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            connection.request(method, self._prefix + path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(_MAX_ANSWER_BYTES)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self._is_tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_TIMEOUT_S, context=context
        )


def _user_name() -> str:
    """Return who is at the command line, as far as an audit can take it down; else nothing."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return ""
    return name if name.isascii() and name.isprintable() else ""


def _saved_url(data_dir: Path) -> str | None:
    try:
        return (data_dir / URL_FILE).read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _reason(status: int, answer: bytes) -> str:
    try:
        message = msgspec.json.decode(answer, type=_ErrorBody).error.message
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = ""
    return message or f"the collector answers {status}"


def _exit_code(status: int) -> int:
    if status == 404:
        return NOT_FOUND
    return BAD_CONFIG if status in (400, 409, 413, 422) else UNREACHABLE
