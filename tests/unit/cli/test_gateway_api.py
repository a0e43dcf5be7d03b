"""What commands say that find no gateway."""

import socket

import pytest

from pointsman.cli.exit_codes import BAD_CONFIG, UNREACHABLE
from pointsman.cli.main import main


@pytest.fixture
def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize("command", [["breakers"], ["route", "/dev/null"]])
def test_a_gateway_that_does_not_answer_is_told_by_its_exit_code(command, closed_port, capsys):
    """As the commands that ask the collector do, with what to do about it."""
    code = main([*command, "--gateway", f"http://127.0.0.1:{closed_port}"])

    assert code == UNREACHABLE
    assert "start one with `pointsman up`" in capsys.readouterr().err


def test_an_address_that_is_none_is_told(capsys):
    """No traceback for a typing mistake."""
    assert main(["breakers", "--gateway", "http://127.0.0.1:port"]) == BAD_CONFIG
    assert "not the address of a gateway" in capsys.readouterr().err
