"""`pointsman up` with several gateway workers behind one port."""

import os
import re
import signal
from pathlib import Path

import msgspec
import pytest

from instance_workers import all_workers_are_up, ready, worker_pids
from running_instance import running_instance, until

from running_gateway import get, post, run_command

CONFIG = """
server: {workers: 3}
providers: {mock: {kind: mock, default: true}}
targets: {small: {provider: mock, model: gpt-4o-mini}}
"""
BODY = msgspec.json.encode({"model": "small", "messages": [{"role": "user", "content": "Hello"}]})


@pytest.mark.timeout(90)
def test_workers_serve_one_port_and_are_restarted_each_on_its_own(tmp_path: Path):
    """Every record reaches the collector, whichever worker wrote it; metrics show all workers."""
    with running_instance(tmp_path, config=CONFIG) as instance:
        until(lambda: all_workers_are_up(instance, 3), "three workers are up")
        workers: set[str] = set()
        answered = 0
        while len(workers) < 2 and answered < 300:
            post(f"{instance.url}/v1/chat/completions", BODY)
            answered += 1
            workers.add(str(ready(instance)["worker"]))
        assert len(workers) >= 2, "one worker has taken every connection"

        text = get(f"{instance.url}/metrics")[2].decode()
        counts = r'^pointsman_requests_total\{worker="(gateway-\d)",.* (\S+)$'
        served = re.findall(counts, text, re.MULTILINE)
        assert sum(float(count) for _, count in served) == answered
        shown = set(re.findall(r'pointsman_connections\{worker="(gateway-\d)"\}', text))
        assert shown == {"gateway-0", "gateway-1", "gateway-2"}

        before = worker_pids(instance)
        os.kill(before["gateway-2"], signal.SIGKILL)
        until(lambda: worker_pids(instance).get("gateway-2") not in (None, before["gateway-2"]), "")
        until(lambda: all_workers_are_up(instance, 3), "it is up again")
        after = worker_pids(instance)
        assert {name: after[name] for name in ("gateway-0", "gateway-1")} == {
            name: before[name] for name in ("gateway-0", "gateway-1")
        }
        assert ready(instance)["counters"] == {"store": "memory", "counts": "this worker alone"}
        until(lambda: stored(tmp_path, instance.collector_url) == answered, "all records stored")


def stored(folder: Path, collector: str) -> int:
    token = (folder / "data" / "admin.token").read_text().strip()
    answer = get(f"{collector}/api/v1/requests?limit=500", {"authorization": f"Bearer {token}"})
    return len(msgspec.json.decode(answer[2])["requests"])


def test_workers_that_would_count_each_for_itself_do_not_start(tmp_path: Path):
    """Refused at the start, as by `check`, with exit code 2."""
    file = tmp_path / "pointsman.yaml"
    file.write_text(CONFIG + "policy: {budgets: {daily: {usd: 1}}}\n")

    data = ("--data-dir", tmp_path / "data")
    for arguments in (
        ("check", file),
        ("up", "--config", file, *data),
        ("gateway", "--config", file),
    ):
        done = run_command(*arguments, cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "server.workers: 3 workers would each count" in done.stderr
