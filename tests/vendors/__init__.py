"""Scripted vendors: servers on the loopback that speak like the vendors' public HTTP APIs.

Each refuses what its vendor's published request schema refuses, remembers what it was sent, and
answers with the scenario that the test has chosen. The vendors' own SDKs are the oracle: the
tests in tests/contract/vendors decode every body and stream with them.
"""
