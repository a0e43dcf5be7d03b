"""A gateway without Redis pays nothing for it."""

import subprocess
import sys

import pytest

from pointsman.shared.script import read_script, script_of
from pointsman.shared.settings import SharedSettings


def test_the_client_is_not_loaded_without_redis() -> None:
    """Importing everything that counts opens and loads nothing of it."""
    text = "import sys, pointsman.app.gateway; print([n for n in sys.modules if n == 'redis'])"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.strip() == "[]"


def test_a_script_is_known_by_the_hash_that_redis_gives_it() -> None:
    """Documented: the SHA-1 of its text."""
    assert script_of("return 1").sha1 == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"


@pytest.mark.parametrize("name", ["hello.lua", "beat.lua", "leave.lua"])
def test_scripts_come_with_the_package(name: str) -> None:
    """They are files, so that they can be read as what they are."""
    assert "KEYS" in read_script("pointsman.shared", name).text


def test_settings_do_not_show_the_address() -> None:
    """It may hold a password."""
    assert "secret" not in repr(SharedSettings(url="redis://:secret@localhost"))
