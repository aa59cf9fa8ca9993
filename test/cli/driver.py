"""Runs the built program the way a person's shell would."""

import json
import os
import pty
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "test" / "fixtures" / "documents"
DOCUMENTED_EXIT_CODES = {0, 1, 2, 3, 4, 5, 130, 143}
COMPLAINTS = ("Sanitizer", "runtime error:", "Assertion")


def build_folder():
    return (ROOT / os.environ.get("RAGGED_BUILD", "build/release")).resolve()


def is_fault_build():
    return "fault" in build_folder().name


def is_sanitized():
    return any(word in build_folder().name for word in ("address", "thread"))


def real_cache():
    """Where ./quickstart keeps what it fetches: tests share it, they never fetch."""
    home = os.environ.get("HOME", "/")
    return Path(os.environ.get("XDG_CACHE_HOME", home + "/.cache")) / "ragged"


class Ragged:
    """One home with one library in it. `run` fails the test on an unexpected exit code."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_DATA_HOME": str(self.folder / "share"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "RAGGED_DATA_DIR": str(self.data),
            "RAGGED_MODEL_DIR": str(real_cache() / "models"),
            "RAGGED_PDFIUM": str(real_cache() / "lib" / "libpdfium.so"),
            "LC_ALL": "C.UTF-8",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "RAGGED_PARSE", "RAGGED_FEATURE_FLAGS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def command(self, *words):
        return [str(build_folder() / "ragged"), *map(os.fspath, words)]

    def with_environment(self, more):
        return {**self.environment, **{name: str(value) for name, value in (more or {}).items()}}

    def start(self, *words, env=None, **options):
        return subprocess.Popen(self.command(*words), env=self.with_environment(env),
                                stdin=subprocess.DEVNULL, **options)

    def try_run(self, *words, env=None, timeout=300, cwd=None):
        """Whatever it ends with; text is decoded so that stray bytes survive."""
        return subprocess.run(self.command(*words), env=self.with_environment(env), cwd=cwd,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                              encoding="utf-8", errors="surrogateescape")

    def in_terminal(self, *words, env=None):
        """The exit code, and what a person at a terminal would get, escapes and all."""
        leader, follower = pty.openpty()
        process = self.start(*words, env={"TERM": "xterm-256color", **(env or {})},
                             stdout=follower, stderr=follower)
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # Linux: the other side is closed
                break
            if not piece:
                break
            shown += piece
        os.close(leader)
        return process.wait(), shown.decode("utf-8", "surrogateescape")

    def run(self, *words, code=0, **options):
        done = self.try_run(*words, **options)
        assert done.returncode == code, "ragged %s ended with %d, not %d\n%s%s" % (
            " ".join(map(str, words)), done.returncode, code, done.stdout[-2000:], done.stderr[-4000:])
        return done

    def json(self, *words, code=0, **options):
        return json.loads(self.run(*words, "--json", code=code, **options).stdout)

    def search(self, question, *words):
        return self.json("search", *words, question)["results"]

    def check(self, **options):
        """The oracle: counts agree, nothing dangles."""
        self.run("check", **options)


def library_state(ragged, questions):
    """What a user can see of a library, without ids, times and scores' last digits."""
    listed = ragged.json("list")
    documents = sorted(
        (item["file"], item.get("state", ""), item.get("chunks", 0)) for item in entries(listed))
    found = [[(hit["file"], hit.get("line_start"), hit.get("page"), round(hit["score"], 3))
              for hit in ragged.search(question)] for question in questions]
    return documents, found


def calm(value):
    """An answer in JSON without what differs from run to run: times."""
    if isinstance(value, dict):
        return {key: calm(item) for key, item in value.items() if not key.endswith("_ms") and "timing" not in key}
    return [calm(item) for item in value] if isinstance(value, list) else value


def entries(listed):
    """The array of a listing, whatever stands beside it."""
    return listed["documents"] if isinstance(listed, dict) else listed


def tell(goal, what, n, wrong, started, replay):
    """One line for whoever reads the log, one row for the table of test/campaign."""
    seconds = time.monotonic() - started
    print("%s, %s: %d runs, %d wrong, %.0f s" % (goal, what, n, len(wrong), seconds), flush=True)
    if "RAGGED_CAMPAIGN_ROWS" in os.environ:
        with open(os.environ["RAGGED_CAMPAIGN_ROWS"], "a", encoding="utf-8") as rows:
            rows.write(json.dumps({"goal": goal, "what": what, "runs": n, "wrong": len(wrong), "seconds": seconds,
                                   "replay": replay if wrong else ""}) + "\n")
