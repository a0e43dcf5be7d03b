"""Money from request to command line: prices reloaded, history priced anew, probes apart."""

import signal
from pathlib import Path

import msgspec
import pytest

from running_instance import RunningInstance, running_instance, until

from running_gateway import get, post, run_command

CONFIG = """
providers: {{mock: {{kind: mock, default: true}}}}
targets: {{small: {{provider: mock, model: in-house, probe: {{every: 1s}}}}}}
keys:
  acme-web: {{key: acme-key-0123456789, tenant: acme}}
  globex-web: {{key: globex-key-0123456789, tenant: globex}}
prices:
  models: {{in-house: {{input_usd_per_mtok: {rate}, output_usd_per_mtok: {rate}}}}}
"""


def ask(instance: RunningInstance, key: str, **names: str) -> None:
    """Send a request on somebody's behalf."""
    body = {"model": "small", "messages": [{"role": "user", "content": "Hello, how are you?"}]}
    headers = {"authorization": f"Bearer {key}-key-0123456789"}
    headers |= {f"x-pointsman-{name}": value for name, value in names.items()}
    metadata = {"metadata": {"customer_id": "c-7", "team_id": "growth"}}
    status, _, answer = post(
        f"{instance.url}/v1/chat/completions", msgspec.json.encode(body | metadata), headers
    )
    assert status == 200, answer


def told(instance: RunningInstance, *arguments: str) -> dict:
    """Run a command about money and return what it prints for programs."""
    done = run_command(*arguments, "--json", "--data-dir", instance.data_dir)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def costs(instance: RunningInstance, by: str, *where: str) -> dict[tuple, dict]:
    """Return group -> row, of callers only."""
    filters = [word for each in where for word in ("--where", each)]
    rows = told(instance, "costs", "--by", by, *filters)["rows"]
    return {tuple(row["group"].values()): row for row in rows if not row["own"]}


@pytest.mark.timeout(90)
def test_money_is_asked_by_whoever_spent_it_and_priced_anew(tmp_path: Path):
    """AP-18, AP-19, OBS-26, CP-22 and TR-25 through real processes."""
    with running_instance(tmp_path, config=CONFIG.format(rate=1)) as instance:
        instance.wait_all_up()
        ask(instance, "acme", user="ada", feature="search", workload="chat", environment="staging")
        ask(instance, "globex", user="bob", feature="search")
        until(lambda: ("bob",) in costs(instance, "user"), "both are stored")
        by_user = costs(instance, "user")
        one = by_user["ada",]["total_nano_usd"]

        (tmp_path / "pointsman.yaml").write_text(CONFIG.format(rate=10))
        instance.process.send_signal(signal.SIGHUP)
        instance.wait_text("is live")
        ask(instance, "acme", user="cid", feature="search")
        until(lambda: ("cid",) in costs(instance, "user"), "the third is stored")
        after_reload = costs(instance, "user")
        report = told(instance, "recost", "--since", "1h")
        recosted = costs(instance, "user")

        assert one > 0
        assert after_reload["ada",]["total_nano_usd"] == one
        assert after_reload["cid",]["total_nano_usd"] == 10 * one
        assert report["revision"] == 1
        assert recosted["ada",]["total_nano_usd"] == 10 * one
        for by, value in (("team", "growth"), ("customer", "c-7"), ("key", "acme-web"),
                          ("tenant", "acme"), ("model", "in-house"), ("endpoint", "openai.chat"),
                          ("workload", "chat"), ("environment", "staging")):  # fmt: skip
            assert (value,) in costs(instance, by), by
        drilled = costs(instance, "customer,user", "feature=search")
        assert set(drilled) == {("c-7", "ada"), ("c-7", "bob"), ("c-7", "cid")}

        until(
            lambda: any(
                row["own"] and row["group"]["operation"] == "probe"
                for row in told(instance, "costs", "--by", "operation")["rows"]
            ),
            "a probe is a cost of the gateway's own",
        )
        key = {"authorization": "Bearer globex-key-0123456789"}
        status, _, body = get(f"{instance.collector_url}/v1/usage", key)
        usage = msgspec.json.decode(body)
        assert status == 200
        assert usage["tenant"] == "globex"
        assert [day["request_count"] for day in usage["days"]] == [1]
        assert usage["days"][0]["total_cost_nano_usd"] == 10 * one
