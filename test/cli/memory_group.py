"""A memory control group below the one this process is in, of either version."""

import os
import subprocess
import time
from pathlib import Path

import pytest

FILES = {
    1: {"limit": "memory.limit_in_bytes", "own": ("total_rss",), "killed": "memory.oom_control"},
    2: {"limit": "memory.max", "own": ("anon",), "killed": "memory.events"},
}


def find_own_group():
    """(version, folder), or a skip that says why."""
    mounts, paths = {}, {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.split()[:3]
        if kind == "cgroup" and "memory" in options.split(","):
            mounts[1] = Path(fields.split()[4])
        elif kind == "cgroup2":
            mounts[2] = Path(fields.split()[4])
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            paths[1] = path
        elif not controllers:
            paths[2] = path
    for version in (1, 2):
        if version in mounts and version in paths:
            folder = mounts[version] / paths[version].lstrip("/")
            if (folder / FILES[version]["limit"]).exists() or version == 1:
                return version, folder
    pytest.skip("no memory control group is mounted")


class MemoryGroup:
    def __init__(self, cap_bytes):
        self.version, above = find_own_group()
        self.files = FILES[self.version]
        self.folder = above / f"ragged-test-{os.getpid()}-{time.monotonic_ns()}"
        self.peak_bytes = 0
        try:
            self.folder.mkdir()
            (self.folder / self.files["limit"]).write_text(str(cap_bytes))
        except OSError as problem:
            self.remove()
            pytest.skip(f"no memory control group can be made here: {problem}")

    def remove(self):
        for _ in range(50):
            try:
                self.folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.1)

    def numbers(self, name):
        lines = (self.folder / name).read_text().splitlines()
        return {key: int(value) for key, value in (line.split() for line in lines)}

    def n_killed(self):
        return self.numbers(self.files["killed"])["oom_kill"]

    def run(self, ragged, *words, timeout=300):
        """The exit code and what was printed; peak_bytes is what no file backed."""
        entrance = self.folder / "cgroup.procs"
        command = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(entrance), *ragged.command(*words)]
        process = subprocess.Popen(command, env=ragged.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + timeout
        try:
            while process.poll() is None and time.monotonic() < deadline:
                stat = self.numbers("memory.stat")
                own = sum(stat[key] for key in self.files["own"])
                self.peak_bytes = max(self.peak_bytes, own)
                time.sleep(0.02)
        finally:
            process.kill()
        printed = process.communicate()[0].decode("utf-8", "replace")
        return process.returncode, printed
