"""The role's side: orders are followed one by one, and the end of orders is the end."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fake_roles import FIRST, SECOND
from pointsman.config.root import Config, LoadedConfig, SourceMap
from pointsman.core.errors import ConfigError, Problem
from pointsman.supervisor.messages import (
    Begin,
    Commit,
    Discard,
    Edition,
    Link,
    Live,
    News,
    Order,
    Prepare,
    Prepared,
    Refused,
    Report,
    Started,
    Stop,
    decode_order,
    decode_report,
    encode_line,
)
from pointsman.supervisor.supervised import Inheritance, SupervisedRole


class NotedRole:
    """Notes what it is told to do."""

    name = "gateway"

    def __init__(self) -> None:
        self.live: str | None = None
        self.heard: list[tuple[str, str]] = []
        self.grace_s: float | None = None
        self.refuses = False

    async def start(self, loaded, folder, bound, tell) -> None:
        bound.close()
        folder.close()
        self.live = loaded.version
        tell("Console login", "http://x/login")

    def prepare(self, loaded) -> Callable[[], None]:
        if self.refuses:
            raise ConfigError([Problem("two routes of one name")])

        def take_over() -> None:
            self.live = loaded.version

        return take_over

    def hear(self, role: str, state: str) -> None:
        self.heard.append((role, state))

    async def stop(self, grace_s: float) -> None:
        self.grace_s = grace_s


def load(edition: Edition) -> LoadedConfig:
    """Arrive at the version that the text says."""
    version = {"first": "a", "second": "b"}.get(edition.text, "c") * 16
    return LoadedConfig(Config(), version=version, file=None, lines=SourceMap(), warnings=[])


@pytest.fixture
def role() -> NotedRole:
    return NotedRole()


@pytest.fixture
def follow(role: NotedRole, tmp_path: Path):
    """Have the role follow orders; returns its reports."""

    async def run(*orders: Order) -> list[Report]:
        reports: list[Report] = []
        listening = socket.socket()
        lock_fd = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
        inheritance = Inheritance(listen_fd=listening.detach(), lock_fd=lock_fd, data_dir=tmp_path)
        supervised = SupervisedRole(role, inheritance, load, reports.append)

        async def given() -> AsyncIterator[Order]:
            for order in orders:
                yield order

        await supervised.follow(given())
        return reports

    return run


async def test_it_starts_and_says_with_which_configuration(role, follow):
    """Links come before it is up, so that they are in the announcement."""
    reports = await follow(Begin(FIRST), Stop(5.0))

    assert reports == [Link("Console login", "http://x/login"), Started(FIRST.version)]
    assert role.grace_s == 5.0


async def test_the_end_of_orders_is_the_end_without_grace(role, follow):
    """The supervisor is gone."""
    await follow(Begin(FIRST))

    assert role.grace_s == 0.0


async def test_what_is_prepared_is_in_force_only_after_the_commit(role, follow):
    """Prepared and discarded changes nothing."""
    reports = await follow(Begin(FIRST), Prepare(SECOND), Discard(SECOND.version))
    assert Prepared(SECOND.version) in reports
    assert role.live == FIRST.version

    reports = await follow(Begin(FIRST), Prepare(SECOND), Commit(SECOND.version))
    assert reports[-1] == Live(SECOND.version)
    assert role.live == SECOND.version


async def test_a_commit_of_something_else_is_refused(role, follow):
    """Nothing is taken over that was not prepared."""
    reports = await follow(
        Begin(FIRST), Prepare(SECOND), Discard(SECOND.version), Commit(SECOND.version)
    )

    assert reports[-1] == Refused(SECOND.version, "it was not prepared")
    assert role.live == FIRST.version


async def test_a_configuration_that_cannot_be_compiled_is_refused_with_its_reason(role, follow):
    """And the role goes on."""
    role.refuses = True
    reports = await follow(Begin(FIRST), Prepare(SECOND), News("collector", "up"))

    assert reports[-1] == Refused(SECOND.version, "two routes of one name")
    assert role.heard == [("collector", "up")]


async def test_another_hash_than_the_supervisors_is_refused(role, follow):
    """One hash for all, computed by each."""
    stranger = Edition(version=SECOND.version, text="something else")
    reports = await follow(Begin(FIRST), Prepare(stranger))

    assert isinstance(reports[-1], Refused)
    assert "c" * 16 in reports[-1].why
    assert role.live == FIRST.version


@pytest.mark.parametrize(
    "order",
    [
        Begin(Edition(version="1", text="a: b\nc: ü\n", file="x.yaml", options={"port": 1})),
        Prepare(FIRST),
        Commit("1"),
        Discard("1"),
        News("collector", "down"),
        Stop(20.0),
    ],
)
def test_an_order_is_one_line_and_comes_back_the_same(order: Order):
    """Also with line feeds in the text of a configuration."""
    line = encode_line(order)

    assert line.count(b"\n") == 1
    assert decode_order(line) == order


def test_what_a_role_merely_prints_is_no_report():
    """A library that prints must not confuse the supervisor."""
    assert decode_report(b"hello") is None
    assert decode_report(b'{"report":"unheard"}') is None
    assert decode_report(b"\xff{") is None
    assert decode_report(encode_line(Started("1"))) == Started("1")


def test_a_configuration_does_not_show_its_text():
    """It may hold secrets, and its name ends up in logs."""
    assert "planted" not in repr(Edition(version="1", text="api_key: planted"))
