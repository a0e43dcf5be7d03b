"""Measurements: fixed scenarios, rivals under the same load, results with machine and command."""
