"""A library as an older ragged would have left it: today's documents in the tables of version 2."""

import re
import sqlite3
from pathlib import Path

from driver import ROOT


LATER = ("n_parts",)  # columns of documents that version 2 did not have


def migrations():
    """The statements of each migration, out of the table that the program has."""
    text = (ROOT / "src" / "store" / "schema.c").read_text()
    for body in re.findall(r"\.sql =(.*?),\n", text, re.S):
        yield "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', body))


def make_old(data):
    """Turns the library in `data`, which has no segments, into one of version 2."""
    data = Path(data)
    with sqlite3.connect(data / "ragged.db") as now:
        number, size = now.execute("SELECT vector_file, vector_bytes FROM library").fetchone()
        columns = [row[1] for row in now.execute("PRAGMA table_info(documents)") if row[1] not in LATER]
        documents = now.execute("SELECT %s FROM documents" % ",".join(columns)).fetchall()
        chunks = now.execute("SELECT * FROM chunks").fetchall()
        meta = now.execute("SELECT * FROM meta").fetchall()
        tail = now.execute("SELECT t.chunk_id, t.doc_id, v.id + 1, t.n_terms, t.terms FROM tail t "
                           "JOIN chunks c ON c.id = t.chunk_id LEFT JOIN vectors v ON v.hash = c.hash").fetchall()
        vectors = now.execute("SELECT id, hash FROM vectors").fetchall()
    now.close()
    rows = (data / ("vectors-%d.f16" % number)).read_bytes()
    for path in data.iterdir():
        if path.is_file():
            path.unlink()
    with sqlite3.connect(data / "ragged.db") as old:
        old.execute("PRAGMA auto_vacuum = INCREMENTAL")
        old.execute("PRAGMA journal_mode = WAL")
        for script in list(migrations())[:2]:
            old.executescript(script)
        old.executemany("INSERT INTO documents(%s) VALUES(%s)" % (",".join(columns), ",".join("?" * len(columns))),
                        documents)
        old.executemany("INSERT INTO chunks VALUES(%s)" % ",".join("?" * len(chunks[0])), chunks)
        old.executemany("INSERT INTO meta VALUES(?, ?)", meta)
        old.executemany("INSERT INTO vectors VALUES(?, ?, ?)",
                        [(slot + 1, hash_, rows[slot * size:][:size]) for slot, hash_ in vectors])
        old.executemany("INSERT INTO tail VALUES(?, ?, ?, ?, ?)", tail)
    old.close()
