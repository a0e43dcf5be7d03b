"""`pointsman keys`, against a collector on a socket."""

import asyncio
import io
import socket
from hashlib import sha256

import msgspec
import pytest

from pointsman.cli.exit_codes import BAD_CONFIG, DATA_UNUSABLE, NOT_FOUND, OK, UNREACHABLE
from pointsman.cli.main import main
from pointsman.core.clock import SystemClock
from pointsman.state.database import StateDatabase, state_url
from stand_in_collector import ADMIN, StandInCollector


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "admin.token").write_text(f"{ADMIN}\n")
    return tmp_path


@pytest.fixture
async def run(data_dir, capsys):
    """Run a command against a collector; return exit code, standard output and standard error."""
    database = await StateDatabase.open(state_url(data_dir), SystemClock())
    collector = StandInCollector(database)
    await collector.start()
    (data_dir / "collector.url").write_text(collector.url)

    async def run(*words):
        arguments = ["keys", *words, "--data-dir", str(data_dir)]
        code = await asyncio.to_thread(main, arguments)
        return code, *capsys.readouterr()

    yield run
    await collector.stop()
    await database.close()


def closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


async def test_a_key_is_printed_alone_and_once(run):
    """So that it can be piped; what is said about it goes elsewhere."""
    code, out, err = await run("issue", "ci", "--tenant", "acme", "--expires", "30d")

    assert code == OK
    assert out.startswith("pm_")
    assert len(out) == 47
    assert "`ci`" in err
    assert out.strip() not in err
    _, listed, _ = await run("list")
    _, as_json, _ = await run("list", "--json")
    assert out.strip() not in listed + as_json


async def test_keys_are_listed_for_people_and_for_programs(run):
    """Revoked ones only when asked for."""
    wish = ("--tenant", "acme", "--plan", "pro", "--user", "bob", "--team", "search")
    more = ("--model", "gpt-*", "--model", "claude-*", "--scope", "call", "--scope", "explain")
    await run("issue", "ci", *wish, *more, "--may-set-tenant")
    await run("issue", "old")
    await run("revoke", "old")

    _, short, _ = await run("list")
    _, whole, _ = await run("list", "--all")
    _, as_json, _ = await run("list", "--json")

    assert short.splitlines()[0].split() == [
        *("NAME", "STATUS", "TENANT", "PLAN", "SCOPES", "MODELS", "EXPIRES", "ENDS", "IN", "ID"),
    ]
    assert "gpt-*,claude-*" in short
    assert "old" not in short
    assert "revoked" in whole
    old, ci = msgspec.json.decode(as_json)
    assert (old["name"], old["status"]) == ("old", "revoked")
    assert (ci["user"], ci["team"], ci["plan"]) == ("bob", "search", "pro")
    assert ci["scopes"] == ["call", "explain"]
    assert ci["may_set_tenant"]
    assert not {"secret", "sha256"} & set(ci)


async def test_a_key_may_be_had_as_json(run):
    """With the id to revoke it by."""
    _, out, _ = await run("issue", "ci", "--json")

    issued = msgspec.json.decode(out)
    code, told, _ = await run("revoke", issued["key"]["id"])
    assert issued["secret"].startswith("pm_")
    assert code == OK
    assert "`ci`" in told
    assert "is revoked since 20" in told


async def test_an_empty_list_says_how_to_begin(run):
    """On standard error: a pipe gets no rows."""
    code, out, err = await run("list")

    assert (code, out) == (OK, "")
    assert "keys issue" in err


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("revoke", "nobody"), NOT_FOUND, "no key of that name"),
        (("revoke", "../keys"), NOT_FOUND, "no key can have"),
        (("revoke", ""), NOT_FOUND, "no key can have"),
        (("issue", "two words"), BAD_CONFIG, "no such key can be made"),
        (("issue", "a", "--tenant", ""), BAD_CONFIG, "no such key can be made"),
        (("list", "--collector", "http://example.com"), BAD_CONFIG, "in clear"),
        (("list", "--collector", "ftp://localhost"), BAD_CONFIG, "not the address"),
        (("list", "--collector", "http://u:p@localhost"), BAD_CONFIG, "not the address"),
        (("list", "--collector", "http://[::1"), BAD_CONFIG, "not the address"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_a_code(run, words, code, reason):
    """Documented codes; nothing on standard output."""
    found, out, err = await run(*words)

    assert (found, out) == (code, "")
    assert reason in err
    assert len(err.splitlines()) == 1


async def test_a_name_that_is_taken_is_said_so(run):
    """In the collector's words."""
    await run("issue", "ci")

    code, out, err = await run("issue", "ci")

    assert (code, out) == (BAD_CONFIG, "")
    assert "a live key is called `ci`" in err


@pytest.mark.parametrize("expires", ["0d", "30", "-1d", "1y", "4000d", "soon"])
def test_a_lifetime_is_a_number_with_a_unit(expires, data_dir, capsys):
    """Ten years at most; a bare number is seconds."""
    url = f"http://127.0.0.1:{closed_port()}"
    words = ["keys", "issue", "a", f"--expires={expires}", f"--data-dir={data_dir}"]

    if expires == "30":
        assert main([*words, f"--collector={url}"]) == UNREACHABLE
    else:
        with pytest.raises(SystemExit):
            main(words)
        assert "12h or 30d" in capsys.readouterr().err


def test_no_collector_is_said_so(data_dir, capsys):
    """The address, and what to do."""
    url = f"http://127.0.0.1:{closed_port()}"

    code = main(["keys", "--data-dir", str(data_dir), "list", "--collector", url])

    assert code == UNREACHABLE
    error = capsys.readouterr().err
    assert f"no collector answers at {url}" in error
    assert "pointsman up" in error
    assert ADMIN not in error


async def test_another_folders_token_is_said_so(run, data_dir):
    """The collector works on another data folder."""
    (data_dir / "admin.token").write_text("x" * 43)

    code, _, err = await run("list")

    assert code == UNREACHABLE
    assert "another data folder" in err


def test_no_token_is_said_so(tmp_path, capsys):
    """Nobody has started on this folder."""
    assert main(["keys", "list", "--data-dir", str(tmp_path)]) == DATA_UNUSABLE
    assert "admin.token cannot be read" in capsys.readouterr().err


def test_hash_prints_what_the_file_takes(monkeypatch, capsys):
    """From standard input: arguments stay in the shell's history."""
    monkeypatch.setattr("sys.stdin", io.StringIO("pm-my-own-key\n"))
    assert main(["keys", "hash"]) == OK
    assert capsys.readouterr().out.strip() == sha256(b"pm-my-own-key").hexdigest()

    monkeypatch.setattr("sys.stdin", io.StringIO("two words\n"))
    assert main(["keys", "hash"]) == BAD_CONFIG
    assert "two words" not in capsys.readouterr().err
