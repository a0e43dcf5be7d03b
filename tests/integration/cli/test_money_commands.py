"""The commands about money against a collector: exact figures, clear errors, JSON for programs."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest

from pointsman.cli.main import main
from pointsman.core.records import Attempt, Cost
from pointsman.core.usage import Usage
from pointsman.wire.record_batch import RECORDS_PATH
from record_batches import batch_body
from serving_collector import serving_collector
from stored_records import at, make_record

CONFIG = """
prices: {models: {gpt-4o-mini: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}}}
alerts: {fallback_rate: {min_calls: 2}}
"""
SINCE = ("--since", str(at(0)))


@pytest.fixture
def running(tmp_path, capsys):
    """A collector with some requests, and how to run a command against it."""

    @asynccontextmanager
    async def serve(*records):
        async with serving_collector(tmp_path, CONFIG) as collector:
            status, _, text = await collector.ask(
                "POST", RECORDS_PATH, token="ingest", data=batch_body(*records)
            )
            assert status == 200, text

            async def command(*arguments):
                where = ("--data-dir", str(tmp_path))
                code = await asyncio.to_thread(main, [*arguments, *where])
                printed = capsys.readouterr()
                return code, printed.out, printed.err

            yield collector, command

    return serve


def priced(number, **changes):
    """Return a request whose attempt says what it used."""
    usage = Usage(input_tokens=1_000, output_tokens=500, cache_read_tokens=200)
    cost = Cost(1_000_000_001)
    attempt = Attempt("small", "mock", "gpt-4o-mini", end_ns=9, usage=usage, cost=cost)
    values = {"attempts": [attempt], "usage": usage, "cost": cost} | changes
    return make_record(number, **values)


async def test_costs_are_shown_by_any_column(running):
    """Exact to the nano-dollar; what is in no sum is said."""
    unknown = priced(3, user="ada", cost=Cost(), attempts=[Attempt("l", "mock", "llama", end_ns=1)])
    async with running(priced(1, user="ada"), priced(2, user="bob\x1b[2J"), unknown) as (
        _,
        command,
    ):
        code, text, _ = await command("costs", "--by", "user", *SINCE)
        _, one, _ = await command("costs", "--by", "day", "--where", "user=ada", *SINCE)
        _, json, _ = await command("costs", "--by", "user,model", "--json", *SINCE)

        lines = text.splitlines()
        assert code == 0
        assert lines[0].split() == ["USER", "CALLS", "TOKENS", "IN", "OUT", "CACHED", "MEASURED",
                                    "ESTIMATED", "RETRIES", "TOTAL", "UNKNOWN"]  # fmt: skip
        assert "ada" in lines[1]
        assert "$1.000000001" in lines[1]
        assert "\x1b" not in text
        assert "$2.000000002" in lines[3]
        assert "1 calls of models without a price" in lines[-1]
        assert "$1.000000001" in one
        assert msgspec.json.decode(json)["total_nano_usd"] == 2_000_000_002


async def test_a_question_that_cannot_be_read_is_refused(running):
    """With exit code 2, and with what there is."""
    async with running(priced(1)) as (_, command):
        code, _, told = await command("costs", "--by", "colour")
        other, _, names = await command("costs", "--where", "colour=red")

        assert (code, other) == (2, 2)
        assert "there are: model" in told
        assert "--where knows" in names


async def test_history_is_priced_once_more(running):
    """First on trial, then for good; budgets keep what they have counted (AP-19)."""
    async with running(priced(1), priced(2)) as (_, command):
        _, trial, _ = await command("recost", "--dry-run", *SINCE)
        _, before, _ = await command("costs", "--json", *SINCE)
        code, done, _ = await command("recost", *SINCE)
        _, after, _ = await command("costs", "--json", *SINCE)
        _, json, _ = await command("recost", "--json", "--at-current-prices", *SINCE)

        assert "2 with another cost" in trial
        assert "nothing was written" in trial
        assert code == 0
        assert "before $2.000000002, after $0.003, difference -$1.997000002" in done
        assert "revision 1" in done
        assert "budgets keep" in done
        assert msgspec.json.decode(before)["total_nano_usd"] == 2_000_000_002
        assert msgspec.json.decode(after)["total_nano_usd"] == 3_000_000
        assert msgspec.json.decode(json)["changed"] == 0


async def test_a_span_that_cannot_be_read_is_refused(running):
    """Before anything is asked of the collector, and by it."""
    async with running(priced(1)) as (_, command):
        code, _, told = await command("recost", "--since", "soon")
        other, _, empty = await command("recost", "--since", "5", "--until", "5")

        assert (code, other) == (2, 2)
        assert "from='soon'" in told
        assert "the time span is empty" in empty


async def test_usage_is_shown_by_day_and_by_customer(running):
    """As the tenant's own keys see it (TR-25)."""
    records = (priced(1, customer="c1"), priced(86_400, customer="c2"), priced(2, tenant="globex"))
    async with running(*records) as (_, command):
        _, days, _ = await command("usage", "--tenant", "acme", *SINCE)
        _, customers, _ = await command("usage", "--customers", "--tenant", "acme", *SINCE)
        _, one, _ = await command("usage", "--customer", "c2", "--json", *SINCE)

        assert len(days.splitlines()) == 3
        assert "$1.000000001" in days
        assert [line.split()[0] for line in customers.splitlines()] == ["CUSTOMER", "c1", "c2"]
        assert [day["request_count"] for day in msgspec.json.decode(one)["days"]] == [1]


async def test_alerts_are_listed(running):
    """With both values that were compared, and since when."""
    async with running(priced(1)) as (collector, command):
        _, none, _ = await command("alerts", "--open")
        now = collector.collector.clock.unix_ns()
        recent = (now - at(0)) // 10**9 - 60
        left = Attempt("small", "openai", "m", end_ns=5, failure_class="timeout")
        taken = Attempt("sonnet", "anthropic", "c", kind="failover", end_ns=9)
        fell_back = {"attempts": [left, taken], "reason": "provider_failover"}
        body = batch_body(*(priced(recent + n, **fell_back) for n in range(3)), batch_id="two")
        await collector.ask("POST", RECORDS_PATH, token="ingest", data=body)
        await collector.collector.desk.alerts.look()

        _, text, _ = await command("alerts")
        _, json, _ = await command("alerts", "--open", "--json")

        assert none == "no alert is open\n"
        assert "OPEN   fallback_rate  route:auto" in text
        assert "100 % of 3 calls in the last 15 minutes fell back, bound 20 %" in text
        assert len(json.splitlines()) == 2
