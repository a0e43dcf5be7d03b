"""`pointsman up` as a family of processes: restart, reload, drain, and nobody left behind."""

import os
import signal
import socket
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from running_instance import RunningInstance, is_alive, running_instance, until

from running_gateway import free_port, get, post, run_command

BODY = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "Hello"}]})
MOCK = "providers: {mock: {kind: mock, default: true}}\nroutes: {}\n"
TARGET = "targets: {small: {provider: mock, model: gpt-4o-mini}}\n"


def ask(instance: RunningInstance) -> tuple[int, dict[str, str], bytes]:
    return post(f"{instance.url}/v1/chat/completions", BODY)


def config_of(instance: RunningInstance) -> str:
    """The configuration that answers name."""
    return ask(instance)[1]["x-pointsman-config"]


def test_both_roles_serve_and_the_newcomer_is_told_where(tmp_path: Path):
    """One command: gateway, collector, a line to try, and a record that `why` finds."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        status, headers, _ = ask(instance)
        health = get(f"{instance.collector_url}/health")[0]
        why = run_command(
            "why", headers["x-pointsman-request-id"], "--json", "--data-dir", instance.data_dir
        )
        printed = instance.text()
        link = next(line for line in printed.splitlines() if line.startswith("Console login"))
        login = get(link.split()[-1])[0]

    assert (status, health, login) == (200, 200, 200)
    assert msgspec.json.decode(why.stdout)["outcome"] == "success"
    assert f"{instance.url}/v1" in printed
    assert instance.collector_url in printed
    assert "curl " in printed
    assert f"pointsman why last --data-dir {instance.data_dir}" in printed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_whole_family_cleanly(tmp_path: Path, number: int):
    """Exit code 0, no traceback, nobody left, ports free."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        roles = instance.roles()

        assert instance.stop(number) == 0

        assert set(roles) == {"gateway", "collector"}
        assert not any(map(is_alive, roles.values()))
        assert "Traceback" not in instance.text()
        for port in (instance.port, instance.collector_port):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 1)


def test_roles_do_not_outlive_a_killed_supervisor(tmp_path: Path):
    """`kill -9` of the parent: both roles end within two seconds, and all can start again."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        roles = instance.roles()

        instance.process.kill()
        instance.process.wait(5)

        until(lambda: not any(map(is_alive, roles.values())), "the roles end", 2.0)
    with running_instance(tmp_path) as again:
        assert ask(again)[0] == 200


def test_an_instance_starts_at_once_after_its_supervisor_was_killed(tmp_path: Path):
    """Roles that are just ending are waited for instead of refusing the folder."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        instance.process.kill()
        instance.process.wait(5)

        with running_instance(tmp_path) as again:
            assert ask(again)[0] == 200


def test_roles_that_are_stuck_do_not_outlive_it_either(tmp_path: Path):
    """A role killed while it is stopped by SIGSTOP ends as soon as it goes on."""
    with running_instance(tmp_path, options=["--no-collector"]) as instance:
        gateway = instance.roles()["gateway"]
        os.kill(gateway, signal.SIGSTOP)
        instance.process.kill()
        instance.process.wait(5)

        os.kill(gateway, signal.SIGCONT)

        until(lambda: not is_alive(gateway), "the gateway ends", 2.5)


def test_the_gateway_answers_while_the_collector_is_dead_and_it_comes_back(tmp_path: Path):
    """Requests never wait for the collector; its end is shown, and its records arrive later."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        first = instance.roles()["collector"]
        os.kill(first, signal.SIGKILL)

        until(lambda: instance.collector_state() == "restarting", "the gateway is told", 2)
        answers = [ask(instance)[0] for _ in range(5)]
        until(lambda: instance.collector_state() == "up", "the collector is back")

        assert answers == [200] * 5
        assert instance.roles()["collector"] != first
        instance.wait_text("the collector ended (signal 9); it is started again in 1 s")
        instance.wait_text("the collector is up again")


def test_requests_wait_while_the_gateway_starts_again(tmp_path: Path):
    """The socket is the supervisor's: nobody is refused between two lives of the gateway."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        first = instance.roles()["gateway"]
        os.kill(first, signal.SIGKILL)
        until(lambda: not is_alive(first), "the gateway is dead", 2)

        status = ask(instance)[0]

        assert status == 200
        assert instance.roles()["gateway"] != first
        until(lambda: instance.collector_state() == "up", "the new one knows of the collector", 2)


def test_a_killed_gateway_leaves_records_of_what_was_under_way(tmp_path: Path):
    """Invariant 8: its next life ends in the journal what the last one had begun."""
    with running_instance(tmp_path, config=slow_mock(tmp_path)) as instance:
        with open_stream(instance) as client:
            received = read_chunks(client, 3)
            os.kill(instance.roles()["gateway"], signal.SIGKILL)
            instance.wait_text("the gateway is up again")
        request_id = received.split(b"x-pointsman-request-id: ")[1].split(b"\r\n")[0].decode()
        why = run_command("why", request_id, "--json", "--data-dir", instance.data_dir)

    assert msgspec.json.decode(why.stdout)["outcome"] == "gateway_crashed"


def test_a_collector_that_keeps_ending_is_marked_down_and_the_gateway_goes_on(tmp_path: Path):
    """Longer and longer between two tries; said on the terminal and in `/ready`."""
    damage_state(tmp_path / "data")
    with running_instance(tmp_path) as instance:
        instance.wait_text("it is started again in 1 s")
        instance.wait_text("it is started again in 2 s")
        instance.wait_text("it is started again in 4 s")
        until(lambda: instance.collector_state() == "down", "the gateway says so", 2)

        assert ask(instance)[0] == 200
        assert "keeps ending and counts as down, the gateway goes on" in instance.text()
        assert instance.stop() == 0


def test_a_reload_reaches_every_role_with_one_hash(tmp_path: Path):
    """SIGHUP: the answers of both roles name the new configuration."""
    with running_instance(tmp_path, config=MOCK) as instance:
        instance.wait_all_up()
        before = config_of(instance)

        (tmp_path / "pointsman.yaml").write_text(MOCK + TARGET)
        instance.process.send_signal(signal.SIGHUP)
        instance.wait_text("is live")

        after = config_of(instance)
        assert after != before
        assert f"configuration {after} is live" in instance.text()


def test_a_reload_says_what_it_cannot_change(tmp_path: Path):
    """The sockets stay as they are until the next start."""
    with running_instance(tmp_path, config=MOCK, options=["--no-collector"]) as instance:
        (tmp_path / "pointsman.yaml").write_text("server: {host: localhost}\n" + MOCK)
        instance.process.send_signal(signal.SIGHUP)
        instance.wait_text("is live")

        assert "server.host counts from the next start" in instance.text()
        assert ask(instance)[0] == 200


def test_a_bad_file_changes_nothing_also_for_a_role_that_starts_later(tmp_path: Path):
    """The configuration in force is the supervisor's, not whatever the file says by now."""
    with running_instance(tmp_path, config=MOCK) as instance:
        instance.wait_all_up()
        before = config_of(instance)
        (tmp_path / "pointsman.yaml").write_text("routes: [")

        instance.process.send_signal(signal.SIGHUP)
        instance.wait_text("the old one stays")
        os.kill(instance.roles()["gateway"], signal.SIGKILL)
        instance.wait_text("the gateway is up again")

        assert config_of(instance) == before


def test_a_reload_while_the_collector_is_dead_reaches_it_when_it_starts(tmp_path: Path):
    """Who is away does not hold the others back, and comes back with the new configuration."""
    with running_instance(tmp_path, config=MOCK) as instance:
        instance.wait_all_up()
        os.kill(instance.roles()["collector"], signal.SIGKILL)
        until(lambda: instance.collector_state() == "restarting", "it is dead", 2)

        (tmp_path / "pointsman.yaml").write_text(MOCK + TARGET)
        instance.process.send_signal(signal.SIGHUP)
        instance.wait_text("is live")

        until(lambda: instance.collector_state() == "up", "the collector is back")


def test_a_role_that_fails_at_a_reload_splits_nothing(tmp_path: Path):
    """One that ends while it should prepare: the gateway stays on the old one with everybody."""
    with running_instance(tmp_path, config=MOCK) as instance:
        instance.wait_all_up()
        before = config_of(instance)
        collector = instance.roles()["collector"]
        os.kill(collector, signal.SIGSTOP)

        (tmp_path / "pointsman.yaml").write_text(MOCK + TARGET)
        instance.process.send_signal(signal.SIGHUP)
        during = config_of(instance)
        os.kill(collector, signal.SIGKILL)
        instance.wait_text("the collector: it ended")

        assert "the old one stays" in instance.text()
        assert (during, config_of(instance)) == (before, before)

        until(lambda: instance.collector_state() == "up", "the collector is back")
        instance.process.send_signal(signal.SIGHUP)
        instance.wait_text("is live")
        assert config_of(instance) != before


def test_a_stream_under_way_is_finished_before_the_end(tmp_path: Path):
    """SIGTERM: no new connection, the stream to its last byte, then exit code 0."""
    config = slow_mock(tmp_path, chunks=60)
    with running_instance(tmp_path, config=config) as instance, open_stream(instance) as client:
        received = read_chunks(client, 2)
        gateway = instance.roles()["gateway"]
        instance.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(instance.port), "new connections are refused", 2)
        assert is_alive(gateway)
        while piece := client.recv(65536):
            received += piece
        code = instance.process.wait(10)

    assert b"data: [DONE]" in received
    assert code == 0


def test_a_second_signal_does_not_wait(tmp_path: Path):
    """Ctrl-C twice: ended at once, also under a stream; nobody left."""
    config = slow_mock(tmp_path)
    with running_instance(tmp_path, config=config) as instance, open_stream(instance) as client:
        read_chunks(client, 2)
        roles = instance.roles()
        instance.process.send_signal(signal.SIGINT)
        until(lambda: refuses(instance.port), "it is ending", 5)
        started = time.monotonic()
        instance.process.send_signal(signal.SIGINT)
        code = instance.process.wait(10)

    assert code == 130
    assert time.monotonic() - started < 4
    assert not any(map(is_alive, roles.values()))


def test_a_busy_collector_port_is_named_with_a_way_out(tmp_path: Path):
    """Exit code 3, and the option that chooses another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run_command(
            "up",
            *("--port", str(free_port()), "--collector-port", port, "--data-dir", tmp_path / "d"),
            cwd=tmp_path,
        )

    assert result.returncode == 3
    assert f"127.0.0.1:{port}" in result.stderr
    assert "--collector-port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_instance_is_refused_by_folder_and_by_port(tmp_path: Path):
    """Exit codes 4 and 3; the first one goes on."""
    with running_instance(tmp_path, options=["--no-collector"]) as instance:
        same_folder = run_command("up", "--port", "0", "--data-dir", instance.data_dir)
        same_port = run_command(
            "up", "--port", str(instance.port), "--data-dir", tmp_path / "other", "--no-collector"
        )

        assert (same_folder.returncode, same_port.returncode) == (4, 3)
        assert str(instance.process.pid) in same_folder.stderr
        assert ask(instance)[0] == 200


def test_without_a_collector_only_the_gateway_runs(tmp_path: Path):
    """`--no-collector`."""
    with running_instance(tmp_path, options=["--no-collector"]) as instance:
        assert set(instance.roles()) == {"gateway"}
        assert "collector" not in instance.ready()
        assert refuses(instance.collector_port)


def refuses(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return False
    except ConnectionError:
        return True


def slow_mock(folder: Path, chunks: int = 500) -> str:
    script = folder / "script.yaml"
    script.write_text(
        f"rules: [{{repeat: true, steps: [{{chunk_count: {chunks}, chunk_delay: 50ms}}]}}]"
    )
    return f"""
providers: {{mock: {{kind: mock, script: "{script}", default: true}}}}
targets: {{small: {{provider: mock, model: gpt-4o-mini}}}}
"""


def open_stream(instance: RunningInstance) -> socket.socket:
    body = msgspec.json.encode(
        {"model": "small", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    )
    client = socket.create_connection(("127.0.0.1", instance.port), 10)
    client.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    return client


def read_chunks(client: socket.socket, count: int) -> bytes:
    received = b""
    while received.count(b"data: ") < count:
        received += client.recv(65536)
    return received


def damage_state(data_dir: Path) -> None:
    """Leave a state that is of a newer release, as a downgrade finds it."""
    data_dir.mkdir()
    with sqlite3.connect(data_dir / "state.sqlite3") as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('9999')")
    connection.close()
