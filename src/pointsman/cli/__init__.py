"""The command line: one file per command. Prints for people, and `--json` for programs."""
