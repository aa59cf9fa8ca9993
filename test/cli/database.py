"""Looking into a library, and changing it, behind the program's back: changed pages get checksums as src/store/page_vfs.c
would have made them."""

import ctypes
import sqlite3

SUM_BYTES = 8
SPREAD = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def sum_pages(path):
    xxhash = ctypes.CDLL("libxxhash.so.0")
    xxhash.XXH3_64bits.restype = ctypes.c_uint64
    xxhash.XXH3_64bits.argtypes = ctypes.c_char_p, ctypes.c_size_t
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big") if content[16:18] != b"\0\1" else 65536
    assert content[20] == SUM_BYTES
    for at in range(0, len(content), size):
        kept = bytes(content[at:at + size - SUM_BYTES])
        value = xxhash.XXH3_64bits(kept, len(kept)) ^ ((at + 1) * SPREAD & MASK)
        content[at + size - SUM_BYTES:at + size] = value.to_bytes(SUM_BYTES, "little")
    path.write_bytes(content)


def change(data, statement):
    path = data / "ragged.db"
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    sum_pages(path)


def read(data, statement):
    """All rows. Nothing is written: a connection that may would bring the log into the database as it closes."""
    connection = sqlite3.connect("file:%s?mode=ro" % (data / "ragged.db"), uri=True)
    rows = connection.execute(statement).fetchall()
    connection.close()
    return rows
