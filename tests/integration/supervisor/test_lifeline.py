"""A process ends with its supervisor also when it cannot notice: its loop is stuck."""

import subprocess
import sys
import time

from pointsman.supervisor.lifeline import ORPHANED

STUCK = """
import sys, time
from pointsman.supervisor.lifeline import end_with
end_with(0, 0.2)
print("stuck", flush=True)
time.sleep(60)
"""


def test_a_stuck_process_ends_when_the_other_end_of_its_pipe_is_gone():
    """Within its grace, and not before the pipe is closed; what is written to it is left alone."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"stuck\n"
        process.stdin.write(b"an order\n")
        process.stdin.flush()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            still_runs = True
        else:
            still_runs = False
        process.stdin.close()
        started = time.monotonic()
        code = process.wait(10)

    assert still_runs
    assert code == ORPHANED
    assert time.monotonic() - started < 2
