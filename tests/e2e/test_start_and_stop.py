"""Starting, stopping and failing to start: one clear line each, documented exit codes."""

import signal
import socket
import ssl
import subprocess
from pathlib import Path

import msgspec
import openai
import pytest
import trustme

from running_gateway import (
    clean_environment,
    command,
    get,
    post,
    run_command,
    running_gateway,
    wait_ready,
)

BODY = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "Hello"}]})


def test_a_busy_port_is_named_with_a_way_out(tmp_path: Path):
    """Exit code 3."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        result = run_command("up", "--port", port, "--data-dir", tmp_path / "data", cwd=tmp_path)

    assert result.returncode == 3
    assert f"127.0.0.1:{port}" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_instance_on_the_same_data_is_refused(tmp_path: Path):
    """Exit code 4, naming the process that works there."""
    with running_gateway(tmp_path) as gateway:
        result = run_command("up", "--port", "0", "--data-dir", gateway.data_dir, cwd=tmp_path)

        assert result.returncode == 4
        assert str(gateway.process.pid) in result.stderr


def test_a_bad_file_lists_every_problem_with_its_line(tmp_path: Path):
    """Exit code 2; both problems, not the first."""
    (tmp_path / "pointsman.yaml").write_text(
        "server: {prot: 3100}\ntargets:\n  small: {provider: nobody, model: gpt-4o-mini}\n"
    )

    result = run_command("up", "--data-dir", tmp_path / "data", cwd=tmp_path)

    assert result.returncode == 2
    assert "pointsman.yaml:1: server.prot" in result.stderr
    assert "pointsman.yaml:3: targets.small.provider" in result.stderr


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path):
    """Exit code 5."""
    file = tmp_path / "occupied"
    file.write_text("a file, not a folder")

    result = run_command("up", "--port", "0", "--data-dir", file, cwd=tmp_path)

    assert result.returncode == 5
    assert "--data-dir" in result.stderr


def test_a_live_provider_without_a_key_does_not_start(tmp_path: Path):
    """GW-12: no silent mock answers under the name of a live provider."""
    result = run_command(
        "up", "--data-dir", tmp_path / "data", cwd=tmp_path, environment={"MOCK_MODE": "false"}
    )

    assert result.returncode == 2
    assert "OPENAI_API_KEY" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: int):
    """Exit code 0 and no traceback."""
    with running_gateway(tmp_path) as gateway:
        assert gateway.stop(number) == 0
        assert "Traceback" not in gateway.text()


def test_with_keys_a_page_of_any_origin_needs_the_key_and_nothing_else(tmp_path: Path):
    """A page does not have the key; a server-side caller may use any name for the host."""
    config = """
providers: {mock: {kind: mock, default: true}}
keys: {ci: {key: "a-gateway-key-for-this-test"}}
"""
    key = {"authorization": "Bearer a-gateway-key-for-this-test"}
    foreign = {"origin": "https://a.example", "host": "gateway.example"}
    with running_gateway(tmp_path, config=config) as gateway:
        url = f"{gateway.url}/v1/chat/completions"

        assert post(url, BODY, foreign)[0] == 401
        assert post(url, BODY, {**foreign, **key})[0] == 200


def test_a_reload_takes_effect_and_a_bad_file_changes_nothing(tmp_path: Path):
    """SIGHUP: validated first; the config version of answers tells which one decided."""
    config = "providers: {mock: {kind: mock, default: true}}\nroutes: {}\n"
    target = "targets: {small: {provider: mock, model: gpt-4o-mini}}\n"
    with running_gateway(tmp_path, config=config) as gateway:
        url = f"{gateway.url}/v1/chat/completions"
        before = post(url, BODY)[1]["x-pointsman-config"]

        (tmp_path / "pointsman.yaml").write_text(config + target)
        gateway.process.send_signal(signal.SIGHUP)
        _until(gateway, "is live")
        after = post(url, BODY)[1]["x-pointsman-config"]
        (tmp_path / "pointsman.yaml").write_text("routes: [")
        gateway.process.send_signal(signal.SIGHUP)
        _until(gateway, "the old one stays")

        assert before != after
        assert post(url, BODY)[1]["x-pointsman-config"] == after


def _until(gateway, text: str) -> None:
    """Poll the output until it holds `text`."""
    import time

    deadline = time.monotonic() + 10
    while text not in gateway.text():
        assert time.monotonic() < deadline, gateway.text()
        time.sleep(0.02)


def test_a_request_under_way_at_kill_9_has_a_record_after_the_restart(tmp_path: Path):
    """The journal's begin without an end becomes `gateway_crashed`, charged at its hold."""
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{repeat: true, steps: [{chunk_count: 500, chunk_delay: 50ms}]}]")
    config = f"""
providers: {{mock: {{kind: mock, script: "{script}", default: true}}}}
targets: {{small: {{provider: mock, model: gpt-4o-mini}}}}
"""
    body = msgspec.json.decode(BODY) | {"model": "small", "stream": True}
    with running_gateway(tmp_path, config=config) as gateway:
        with socket.create_connection(("127.0.0.1", gateway.port)) as client:
            encoded = msgspec.json.encode(body)
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % len(encoded)
                + encoded
            )
            received = b""
            while received.count(b"data: ") < 3:
                received += client.recv(65536)
            gateway.process.kill()
            gateway.process.wait(10)
        request_id = received.split(b"x-pointsman-request-id: ")[1].split(b"\r\n")[0].decode()

    with running_gateway(tmp_path, config=config) as gateway:
        why = run_command("why", request_id, "--json", "--data-dir", gateway.data_dir)

    record = msgspec.json.decode(why.stdout)
    assert record["outcome"] == "gateway_crashed"
    assert record["error"]["code"] == "gateway_crashed"
    assert record["attempts"][0]["model"] == "gpt-4o-mini"


def test_https_is_served_with_a_certificate(tmp_path: Path):
    """The official client over TLS, verified against the authority that signed."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "server.pem"
    )
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    config = """
server: {tls_cert_file: server.pem}
providers: {mock: {kind: mock, default: true}}
"""
    with running_gateway(tmp_path, config=config, scheme="https") as gateway:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with openai.OpenAI(
            base_url=f"https://127.0.0.1:{gateway.port}/v1",
            api_key="any",
            http_client=openai.DefaultHttpxClient(verify=context),
        ) as client:
            completion = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}]
            )

    assert completion.choices[0].finish_reason == "stop"


def test_the_environment_alone_starts_a_live_gateway(tmp_path: Path):
    """GW-11, GW-23: the variables of the published template, against a server on a socket."""
    process = subprocess.Popen(command("mock"), stdout=subprocess.PIPE, env=clean_environment())
    assert process.stdout is not None
    base_url = process.stdout.readline().decode().split(" on ")[1].split(" ")[0]
    environment = {
        "MOCK_MODE": "false",
        "OPENAI_API_KEY": "planted-environment-credential",
        "OPENAI_BASE_URL": base_url,
        "OPENAI_MODEL_SMALL": "tiny-model",
        "GATEWAY_TENANT_ID": "acme-demo",
    }
    try:
        with running_gateway(tmp_path, environment=environment) as gateway:
            wait_ready(gateway)
            status, _, answer = post(f"{gateway.url}/v1/chat/completions", BODY)
            health = msgspec.json.decode(get(f"{gateway.url}/health")[2])
            why = run_command("why", "last", "--json", "--data-dir", gateway.data_dir)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()

    told = msgspec.json.decode(answer)
    assert status == 200
    assert told["model"] == "tiny-model"
    assert told["pointsman"]["request"]["mockMode"] is False
    assert told["pointsman"]["request"]["provider"] == "openai"
    assert health["mockMode"] is False
    assert msgspec.json.decode(why.stdout)["tenant"] == "acme-demo"
