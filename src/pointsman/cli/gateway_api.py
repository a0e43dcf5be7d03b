"""Asks the running gateway: its address and key on the command line, the one request, its failures.

Knows no particular endpoint. The collector's API is `admin_api`'s.
"""

import argparse
import http.client
import sys
from urllib.parse import urlsplit

from pointsman.cli.exit_codes import BAD_CONFIG, NOT_FOUND, UNREACHABLE

_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 16_777_216


class GatewayApiError(Exception):
    """There is no answer to show; the message is for people."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def add_gateway_options(parser: argparse.ArgumentParser) -> None:
    """Add what `ask_gateway` reads."""
    parser.add_argument(
        "--gateway", default="http://127.0.0.1:3100", help="its address (default: %(default)s)"
    )
    parser.add_argument("--key", help="a gateway key with the scope `explain`")


def ask_gateway(
    args: argparse.Namespace, method: str, path: str, body: bytes | None = None
) -> bytes:
    """Send one request and return the body of the answer.

    An answer that is an error is printed as it is: it tells what is wrong.

    Raises:
        GatewayApiError: Nobody answers, the address cannot be used, or the answer is an error.
    """
    headers = {"content-type": "application/json"}
    if args.key:
        headers["authorization"] = f"Bearer {args.key}"
    try:
        status, answer = _exchange(args.gateway, method, path, body, headers)
    except ValueError:
        raise GatewayApiError(
            f"{args.gateway!r} is not the address of a gateway", BAD_CONFIG
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise GatewayApiError(
            f"no gateway answers at {args.gateway} ({error}); start one with `pointsman up`, or "
            "name its address with --gateway",
            UNREACHABLE,
        ) from None
    if status != 200:
        sys.stdout.write(answer.decode("utf-8", "replace") + "\n")
        raise GatewayApiError(f"the gateway answered with status {status}", NOT_FOUND)
    return answer


def _exchange(
    gateway: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    parts = urlsplit(gateway if "//" in gateway else f"http://{gateway}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, parts.path.rstrip("/") + path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(_MAX_ANSWER_BYTES)
    finally:
        connection.close()
