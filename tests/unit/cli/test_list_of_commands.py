"""`pointsman --help`: the list of commands, which imports none of them."""

import argparse
import importlib
import subprocess
import sys

import pytest

from pointsman.cli.main import COMMANDS, SUMMARIES, main


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str):
    """The summary is written twice so that the list is fast."""
    subparsers = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(COMMANDS[name]).add_parser(subparsers)

    [described] = subparsers._choices_actions
    assert (described.dest, described.help) == (name, SUMMARIES[name])


def test_the_list_imports_no_command():
    """Whoever asks for help does not wait for a web server and a database."""
    code = (
        "import contextlib, sys; from pointsman.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('pointsman.app', 'litestar'))])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.endswith("[]\n")
    assert all(name in done.stdout for name in SUMMARIES)


def test_an_unknown_command_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]):
    """Exit code 2, as argparse has it."""
    with pytest.raises(SystemExit) as stopped:
        main(["wyh", "last"])

    assert stopped.value.code == 2
    assert "why" in capsys.readouterr().err
