"""One configuration for all: every role prepares, and only when all could, all take it over.

Pure order of questions and answers; knows neither processes nor where a configuration comes from.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from pointsman.supervisor.messages import (
    Answer,
    Commit,
    Discard,
    Edition,
    Live,
    Order,
    Prepare,
    Prepared,
    Refused,
)


class Member(Protocol):
    """A role that is up."""

    name: str

    async def ask(self, order: Order, version: str) -> Answer:
        """Give an order about a configuration and return the answer. Never raises."""
        ...

    def send(self, order: Order) -> None:
        """Give an order that has no answer."""
        ...

    def renew(self) -> None:
        """End the role and start it again with the configuration in force."""
        ...


class Objection(Struct, frozen=True):
    """Why a role cannot take a configuration over."""

    role: str
    why: str


async def prepare_all(members: Sequence[Member], edition: Edition) -> list[Objection]:
    """Ask every role to prepare; when one cannot, all forget it.

    Returns:
        Empty when every role is ready to take the configuration over.
    """
    order = Prepare(edition)
    answers = await asyncio.gather(*(member.ask(order, edition.version) for member in members))
    objections = [
        Objection(member.name, _why(answer))
        for member, answer in zip(members, answers, strict=True)
        if answer != Prepared(edition.version)
    ]
    if objections:
        for member in members:
            member.send(Discard(edition.version))
    return objections


async def commit_all(members: Sequence[Member], version: str) -> list[str]:
    """Have every role take over what it prepared.

    The configuration is in force before this is called: whoever ends meanwhile starts with it, and
    whoever does not confirm is started again with it.

    Returns:
        Names of the roles that had to be started again.
    """
    order = Commit(version)
    answers = await asyncio.gather(*(member.ask(order, version) for member in members))
    renewed = []
    for member, answer in zip(members, answers, strict=True):
        if answer != Live(version):
            member.renew()
            renewed.append(member.name)
    return renewed


def _why(answer: Answer) -> str:
    return answer.why if isinstance(answer, Refused) else "it answered something else"
