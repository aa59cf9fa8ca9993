"""What a library has promised, kept outside of it: which version of each document it may hold.

A document is promised when its line of `ragged add --progress json` came out; until then the old version (or none) is
as good as the new one. Every other change is promised when the command has ended."""

import hashlib
import json
from pathlib import Path

import database

ABSENT = ""
KEPT = ("added", "updated", "unchanged")


def version_of(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def versions_of(folder):
    return {str(path): version_of(path) for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def promised(said):
    """Paths of the documents that an add has reported as done; a last line may be cut off."""
    for line in said.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") == "file" and event["result"] in KEPT:
            yield event["file"]


class Ledger:
    def __init__(self):
        self.may = {}  # path -> the versions that it may have

    def expect(self, path, version):
        """From now on it may have this one too."""
        self.may.setdefault(path, {ABSENT}).add(version)

    def settle(self, path, version):
        self.may[path] = {version}

    def wrong(self, found):
        """`found`: path -> version. What is there and must not be, and what is not and must."""
        for path in sorted(set(self.may) | set(found)):
            version = found.get(path, ABSENT)
            if version not in self.may.get(path, {ABSENT}):
                yield "%s is %s" % (path, "gone" if version == ABSENT else "version " + version[:8])

    def take(self, found):
        """What was seen after a restart stays."""
        for path in self.may:
            self.may[path] = {found.get(path, ABSENT)}


def found_in(ragged):
    """Path -> version of every document; a document without all its passages has no version."""
    listed = ragged.json("list")
    return {item["file"]: item["hash"] if item["state"] == "ok" and item["chunks"] else "incomplete"
            for item in listed["documents"]}


def content_of(data):
    """Everything that documents are made of, vectors too, without ids and times."""
    data = Path(data)
    [(number, size)] = database.read(data, "SELECT vector_file, vector_bytes FROM library")
    rows = database.read(
        data, "SELECT d.path, d.hash, d.collection, c.ord, c.text, v.id FROM documents d JOIN chunks c ON c.doc_id = d.id "
              "LEFT JOIN vectors v ON v.hash = c.hash ORDER BY d.path, c.ord")
    file = data / ("vectors-%d.f16" % number)
    vectors = file.read_bytes() if file.exists() else b""
    return [row[:5] + (None if row[5] is None else vectors[row[5] * size:][:size],) for row in rows]
