"""The exit codes of every command; documented in docs/reference/cli.md."""

OK = 0
NOT_FOUND = 1
"""What was asked for does not exist."""
BAD_CONFIG = 2
"""The configuration or the command line cannot be used."""
PORT_BUSY = 3
"""Something else listens on the address."""
DATA_IN_USE = 4
"""Another gateway works on this data folder."""
DATA_UNUSABLE = 5
"""The data folder cannot be read or written."""
UNREACHABLE = 6
"""The process that was to be asked does not answer, or refuses to."""
INTERRUPTED = 130
"""Ended by Ctrl-C, as shells count it."""
