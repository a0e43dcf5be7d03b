"""Files that cannot be read, and which file is taken."""

from pathlib import Path

import pytest

from pointsman.config.environment import read_environment
from pointsman.config.loader import find_file, load
from pointsman.config.parse import MAX_BYTES
from pointsman.core.errors import ConfigError


def refused(path: str) -> str:
    """Return the one problem of a file."""
    with pytest.raises(ConfigError) as raised:
        load(path, environment={})
    (problem,) = raised.value.problems
    return str(problem)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Also when something in the path is no folder, or no path."""
    assert "no such file" in refused(str(tmp_path / "absent.yaml"))
    assert "cannot be read" in refused(str(tmp_path))
    assert "not a path" in refused("a\0b")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    """The line of the first wrong byte is told."""
    file = tmp_path / "a.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")

    assert refused(str(file)) == f"{file}:2: not UTF-8 text"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """It is not read to its end."""
    file = tmp_path / "a.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))

    assert "larger than" in refused(str(file))


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfproviders: {mock: {kind: mock}}\r\n")

    assert load(str(file), environment={}).config.providers


def test_the_file_asked_for_wins_over_the_one_that_is_there(tmp_path: Path) -> None:
    """Without either, the environment configures the gateway."""
    assert find_file(None, folder=tmp_path) is None

    (tmp_path / "pointsman.yaml").touch()

    assert find_file(None, folder=tmp_path) == "pointsman.yaml"
    assert find_file("other.yaml", folder=tmp_path) == "other.yaml"


def test_the_environment_is_read_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as it was at import."""
    monkeypatch.setenv("POINTSMAN_TEST_VARIABLE", "x")

    assert read_environment()["POINTSMAN_TEST_VARIABLE"] == "x"


def test_options_of_the_command_line_replace_what_is_written(tmp_path: Path) -> None:
    """And are checked like it, with what follows from them."""
    file = tmp_path / "a.yaml"
    file.write_text("server: {port: oops, tenant: t}\nproviders: {mock: {kind: mock}}\n")

    server = load(str(file), environment={}, server_options={"port": 3999}).config.server
    assert (server.port, server.tenant) == (3999, "t")
    assert load(None, environment={}, server_options={"port": 0}).config.server.port == 0

    with pytest.raises(ConfigError, match="from 0 to 65535"):
        load(None, environment={}, server_options={"port": 99999})
    with pytest.raises(ConfigError, match="no key is configured"):
        load(None, environment={}, server_options={"host": "0.0.0.0"})
