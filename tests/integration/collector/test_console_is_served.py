"""The console beside the read API: the link that a start prints, and one asked for later."""

import re
from pathlib import Path

from running_instance import running_instance

from running_gateway import get, run_command


def test_the_link_of_the_start_and_a_later_one_open_the_console(tmp_path: Path):
    """Each is an address of the console; without a login every page leads to the login."""
    with running_instance(tmp_path) as instance:
        instance.wait_all_up()
        url = instance.collector_url
        printed = re.search(rf"{url}/login\?token=\S+", instance.text())
        later = run_command("login", "--data-dir", instance.data_dir)

        assert printed is not None
        assert later.returncode == 0, later.stderr
        assert re.fullmatch(rf"{url}/login\?token=\S+\n", later.stdout)
        assert later.stdout.strip() != printed.group()
        for link in (printed.group(), later.stdout.strip(), f"{url}/requests"):
            status, headers, page = get(link)
            assert status == 200
            assert "script-src 'self'" in headers["content-security-policy"]
            assert b"Log in" in page


def test_without_a_collector_the_way_out_is_named(tmp_path: Path):
    """No traceback, an exit code of its own."""
    result = run_command("login", "--data-dir", tmp_path)

    assert result.returncode != 0
    assert "pointsman up" in result.stderr
    assert "Traceback" not in result.stderr
