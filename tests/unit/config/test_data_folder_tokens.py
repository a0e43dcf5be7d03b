"""Tokens that processes of one instance show each other."""

import os
import re
import stat

import pytest

from pointsman.config.data_folder import DataFolder, DataFolderError, read_token


@pytest.fixture
def folder(tmp_path):
    opened = DataFolder.open(tmp_path / "data")
    yield opened
    opened.close()


def test_a_token_is_made_once_and_is_private(folder):
    """43 url-safe characters, mode 0600, the same at every start and for every reader."""
    token = folder.token("ingest")

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert folder.token("ingest") == token == read_token(folder.path, "ingest")
    assert stat.S_IMODE((folder.path / "ingest.token").stat().st_mode) == 0o600
    assert folder.token("admin") != token


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"planted " + b"a" * 43])
def test_a_damaged_token_is_said_so_without_repeating_it(folder, content):
    """Invariant 13; the file is named, so that it can be removed."""
    (folder.path / "admin.token").write_bytes(content)

    with pytest.raises(DataFolderError, match=r"admin\.token is damaged") as raised:
        folder.token("admin")
    assert "planted" not in str(raised.value)


def test_a_token_that_was_never_made_is_said_so(tmp_path):
    """With what to do about it."""
    with pytest.raises(DataFolderError, match="pointsman up"):
        read_token(tmp_path, "admin")


def test_a_token_has_a_plain_name(folder):
    """Never a path."""
    with pytest.raises(ValueError, match="one word"):
        folder.token("../admin")


def test_of_two_who_make_a_token_at_once_the_first_wins(folder, monkeypatch):
    """Gateway and collector may start in one moment; both then have the same."""
    link = os.link
    first = "f" * 43

    def overtaken(source, target):
        target.write_text(f"{first}\n")
        link(source, target)

    monkeypatch.setattr(os, "link", overtaken)

    assert folder.token("ingest") == first
    assert not list(folder.path.glob(".*.part"))


def test_a_folder_that_takes_no_token_is_said_so(folder, monkeypatch):
    """As on a full disk."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)

    with pytest.raises(DataFolderError, match=r"ingest\.token cannot be made: No space"):
        folder.token("ingest")
