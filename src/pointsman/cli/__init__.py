"""The command line: one file per command. Prints for people on a terminal, `--json` for programs."""
