"""`pointsman tenants`, `plans` and `audit`, against a real collector."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from pointsman.cli.exit_codes import BAD_CONFIG, NOT_FOUND, OK
from pointsman.cli.main import main
from serving_collector import serving_collector

CONFIG = """
targets: {small: {provider: mock, model: gpt-4o-mini}}
routes: {cheap: {targets: [small]}}
"""
PLAN = """
aliases: {auto: cheap}
models: [auto]
daily_usd: 2.50
limits: {per-key: {requests_per_minute: 20}}
"""


@pytest.fixture
async def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command; return exit code, standard output and standard error."""
    data_dir = tmp_path / "data"
    async with serving_collector(data_dir, CONFIG):

        async def run(*words: str):
            code = await asyncio.to_thread(main, [*words, "--data-dir", str(data_dir)])
            return code, *capsys.readouterr()

        yield run


@pytest.fixture
def plan_file(tmp_path: Path) -> str:
    file = tmp_path / "free.yaml"
    file.write_text(PLAN)
    return str(file)


async def test_a_plan_and_a_tenant_are_made_shown_and_changed(run, plan_file):
    """CP-17: the whole way of an operator, at run time."""
    assert await run("plans", "put", "free", plan_file) == (
        OK,
        "The plan free holds for 0 tenants.\n",
        "",
    )
    code, out, _ = await run("tenants", "create", "acme", "--plan", "free", "--daily-usd", "9")
    assert (code, out) == (OK, "The tenant acme is made, on the plan free.\n")

    _, listed, _ = await run("tenants", "list")
    assert listed.splitlines()[1].split()[:5] == ["acme", "live", "free", "-", "9"]
    _, plans, _ = await run("plans", "list")
    assert plans.splitlines()[1].split()[:6] == ["free", "auto=cheap", "2.5", "per-key", "-", "1"]
    _, shown, _ = await run("plans", "show", "free")
    assert 'limits.per-key: {"scope":"key","requests_per_minute":20}' in shown

    words = ("--clear", "daily_usd", "--alias", "auto=small", "--time-zone", "Europe/Berlin")
    assert (await run("tenants", "update", "acme", *words))[0] == OK
    assert (await run("tenants", "disable", "acme"))[0] == OK
    _, shown, _ = await run("tenants", "show", "acme")
    assert shown.startswith("acme: disabled since")
    assert "aliases.auto: small" in shown
    assert "time_zone: Europe/Berlin" in shown
    assert "daily_usd" not in shown
    assert (await run("tenants", "enable", "acme"))[1] == "The tenant acme may call.\n"


async def test_the_audit_tells_who_did_what(run, plan_file):
    """PO-05: in words for people, in rows for programs."""
    await run("plans", "put", "free", plan_file)
    await run("tenants", "create", "acme", "--plan", "free")
    await run("tenants", "update", "acme", "--daily-usd", "3")
    await run(
        "keys", "issue", "ci", "--tenant", "acme", "--route", "cheap", "--alias", "auto=cheap"
    )

    _, out, _ = await run("audit", "--action", "tenant.")
    newest = out.splitlines()[1]
    assert "tenant.changed" in newest
    assert "daily_usd nothing -> 3" in newest
    assert "cli" in newest
    _, lines, _ = await run("audit", "--json", "-n", "2")
    rows = [msgspec.json.decode(line) for line in lines.splitlines()]
    assert [row["action"] for row in rows] == ["key.issued", "tenant.changed"]
    assert rows[0]["details"]["aliases"] == {"auto": "cheap"}
    _, none, told = await run("audit", "--subject", "nobody")
    assert (none, told) == ("", "Nothing was changed in that time.\n")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("tenants", "show", "nobody"), NOT_FOUND, "no tenant"),
        (("tenants", "update", "nobody"), BAD_CONFIG, "name what is to be different"),
        (("tenants", "update", "nobody", "--no-plan"), NOT_FOUND, "no tenant"),
        (("tenants", "create", "a", "--alias", "auto=cheep"), BAD_CONFIG, "did you mean `cheap`"),
        (("plans", "put", "free", "/nowhere.yaml"), BAD_CONFIG, "cannot be read"),
        (("plans", "remove", "nothing"), NOT_FOUND, "no plan"),
        (("audit", "--since", "yesterdayish"), BAD_CONFIG, "yesterdayish"),
    ],
)
async def test_what_cannot_be_done_is_said(run, words, code, reason):
    """With an exit code that programs can read."""
    found, _, told = await run(*words)

    assert (found, reason in told) == (code, True), told


async def test_a_file_of_terms_is_checked_with_its_lines(run, tmp_path):
    """As the configuration is."""
    file = tmp_path / "bad.yaml"
    file.write_text("daily_usd: 5\nlimmits: {}\n")

    code, _, told = await run("plans", "put", "free", str(file))

    assert code == BAD_CONFIG
    assert "bad.yaml:2: limmits: unknown key 'limmits' (did you mean `limits`?)" in told
