# SPDX-License-Identifier: BSD-2-Clause
"""Private servers for tests, the quickstart and the benchmarks.

Each module starts one real server in a directory of its own, listens on Unix
sockets or free loopback ports, touches nothing of the machine's own services,
and ends only the processes it started. A server is an object: the constructor
writes its configuration, start() returns when it answers, stop() when it is
gone. `Lab` is a run's directory and the list of what must be ended with it.
"""
