# SPDX-License-Identifier: BSD-2-Clause
"""Benchmarks: each row compares one thing of ours with a yardstick, in pairs
that alternate within one run. bench/run is the command."""
