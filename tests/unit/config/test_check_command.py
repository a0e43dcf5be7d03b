"""`pointsman check`."""

import argparse
from pathlib import Path

import msgspec
import pytest

from pointsman.cli import check


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, without variables that would configure anything."""
    monkeypatch.chdir(tmp_path)
    for name in ("MOCK_MODE", "OPENAI_API_KEY", "PORT", "TOKVERA_API_KEY", "TOKVERA_INGEST_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> int:
    """Run the command as the main parser does."""
    parser = argparse.ArgumentParser()
    check.add_parser(parser.add_subparsers())
    args = parser.parse_args(["check", *arguments])
    return int(args.run(args))


def test_a_good_file_is_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 and the plan on standard output."""
    (tmp_path / "a.yaml").write_text("providers: {g: {kind: groq, api_key: x, default: true}}")

    assert run("a.yaml") == 0
    assert "g  groq, key …, default" in capsys.readouterr().out


def test_a_bad_file_is_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one problem per line on standard error, nothing on standard output."""
    (tmp_path / "a.yaml").write_text("server: {port: x}\nproviders: {m: {kind: mok}}\n")

    assert run("a.yaml") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "a.yaml:1: server.port: expected a whole number from 0 to 65535, got x",
        "a.yaml:2: providers.m.kind: unknown kind 'mok' (did you mean `mock`?)",
        "2 problems; nothing can start",
    ]


def test_the_file_of_the_folder_is_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it, the environment alone."""
    assert run() == 0
    assert "from the environment" in capsys.readouterr().out

    (tmp_path / "pointsman.yaml").write_text("providers: {m: {kind: mock}}")

    assert run() == 0
    assert "from pointsman.yaml" in capsys.readouterr().out


def test_the_shared_option_names_the_file_too(tmp_path: Path) -> None:
    """`--config` of the main parser is a path."""
    (tmp_path / "b.yaml").write_text("providers: {}")

    args = argparse.Namespace(file=None, config=Path("b.yaml"), schema=False, json=False)

    assert check.run(args) == 2


def test_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same facts, with the same exit codes."""
    (tmp_path / "a.yaml").write_text("providers: {o: {kind: openai, api_key: 0123456789abcdef}}")
    (tmp_path / "b.yaml").write_text("providers: {o: {kind: openai}}")

    assert run("a.yaml", "--json") == 0
    good = msgspec.json.decode(capsys.readouterr().out)
    assert run("b.yaml", "--json") == 2
    bad = msgspec.json.decode(capsys.readouterr().out)

    assert (good["ok"], good["file"], len(good["version"])) == (True, "a.yaml", 16)
    assert good["config"]["providers"]["o"]["api_key"] == "…cdef"
    assert "written in the file" in good["warnings"][0]
    assert bad["ok"] is False
    assert (bad["problems"][0]["path"], bad["problems"][0]["line"]) == ("providers.o.api_key", 1)


def test_warnings_do_not_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They stand on standard error, before the plan."""
    (tmp_path / "a.yaml").write_text(
        "server: {host: 0.0.0.0, allow_open: true}\nproviders: {m: {kind: mock}}"
    )

    assert run("a.yaml") == 0
    assert capsys.readouterr().err.startswith("warning: a.yaml:1: server.allow_open: anyone")


def test_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """For editors: `pointsman check --schema > pointsman.schema.json`."""
    assert run("--schema") == 0
    assert msgspec.json.decode(capsys.readouterr().out)["title"] == "Pointsman configuration"
