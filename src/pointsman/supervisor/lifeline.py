"""Ends a process whose supervisor is gone, also when its event loop is busy or stuck.

The orderly end is somebody else's; this is what happens when it takes too long.
"""

import os
import select
import threading
import time

ORPHANED = 70
"""Exit code of a role that had to be ended this way."""


def end_with(fd: int, grace_s: float) -> None:
    """Watch a pipe from a thread of its own; end the process `grace_s` after its writer is gone.

    Args:
        fd: The end to read from. It is not read: only its hang-up counts.
        grace_s: How long the process may take to end by itself.
    """
    watched = os.dup(fd)
    threading.Thread(target=_watch, args=(watched, grace_s), name="lifeline", daemon=True).start()


def _watch(fd: int, grace_s: float) -> None:
    poll = select.poll()
    poll.register(fd, 0)  # a hang-up is always told
    poll.poll()
    time.sleep(grace_s)
    # Nothing is lost: the journal survives this as it survives `kill -9`.
    os._exit(ORPHANED)
