"""What a power cut can leave of a folder, out of the journal that test/preload/disk_journal.c has written.

The model is harsher than a real file system. What was written to a file is there for certain after a sync of that file;
a name is there for certain after a sync of its folder. Of what came later each piece is there or not, whatever came
before it: a rename may be there without the data, the data of a write in part, a file longer than what was written."""

import os
import struct
from pathlib import Path

CREATE, MKDIR, WRITE, TRUNCATE, PUNCH, SYNC, RENAME, UNLINK, LINK, SAID = range(1, 11)
HEAD = struct.Struct("<IIQQQ")
SECTORS = (512, 4096)


class Op:
    __slots__ = ("kind", "path", "inode", "offset", "data", "end")

    def __init__(self, kind, path, inode, offset, data, end):
        self.kind, self.path, self.inode, self.offset, self.data, self.end = kind, path, inode, offset, data, end


def read_journal(path):
    raw, ops, at = Path(path).read_bytes(), [], 0
    while at < len(raw):
        kind, n_path, inode, offset, n_bytes = HEAD.unpack_from(raw, at)
        at += HEAD.size
        name = os.fsdecode(raw[at:at + n_path])
        at += n_path
        data = raw[at:at + n_bytes]
        at += n_bytes
        if kind in (RENAME, LINK):
            data = os.fsdecode(data)
        ops.append(Op(kind, name, inode, offset, data, at))
    return ops


def change(content, op):
    """The bytes of a file after one operation on them."""
    if op.kind == TRUNCATE:
        content = content[:op.offset]
        return content + bytes(op.offset - len(content))
    data = bytes(struct.unpack("<Q", op.data)[0]) if op.kind == PUNCH else op.data
    if len(content) < op.offset:
        content += bytes(op.offset - len(content))
    return content[:op.offset] + data + content[op.offset + len(data):]


class File:
    def __init__(self, content=b""):
        self.synced, self.pending = content, []


class Folder:
    def __init__(self, names=None):
        self.synced, self.pending = dict(names or {}), []


class Disk:
    """`root`: a folder whose content was all durable before the first operation."""

    def __init__(self, root):
        self.root = str(root)
        self.things = {}
        self.at = {}  # path of a folder -> its inode
        self._take(Path(root))

    def _take(self, path):
        inode = path.lstat().st_ino
        if path.is_dir():
            folder = self.things[inode] = Folder()
            self.at[str(path)] = inode
            for child in path.iterdir():
                if not child.name.endswith("-shm"):
                    folder.synced[child.name] = self._take(child)
        else:
            self.things[inode] = File(path.read_bytes())
        return inode

    def _name(self, path, inode):
        folder, name = os.path.split(path)
        self.things[self.at[folder]].pending.append([(name, inode)])

    def do(self, op):
        if op.kind == CREATE or op.kind == MKDIR:
            self.things[op.inode] = File() if op.kind == CREATE else Folder()
            if op.kind == MKDIR:
                self.at[op.path] = op.inode
            self._name(op.path, op.inode)
        elif op.kind in (WRITE, TRUNCATE, PUNCH):
            self.things[op.inode].pending.append(op)
        elif op.kind == SYNC:
            thing = self.things.get(op.inode)
            if isinstance(thing, File):
                for pending in thing.pending:
                    thing.synced = change(thing.synced, pending)
                thing.pending = []
            elif thing:
                thing.synced, thing.pending = names_after(thing.synced, thing.pending), []
        elif op.kind == UNLINK:
            self._name(op.path, None)
            self.at.pop(op.path, None)
        elif op.kind == LINK:
            self._name(op.data, op.inode)
        elif op.kind == RENAME:
            (old_folder, old), (new_folder, new) = os.path.split(op.path), os.path.split(op.data)
            if old_folder != new_folder or op.path in self.at:
                raise ValueError("no rule for such a rename: " + op.path)
            self.things[self.at[old_folder]].pending.append([(old, None), (new, op.inode)])

    def write(self, inode, path, fate):
        """Puts what `fate` leaves of the thing at `path`."""
        thing = self.things[inode]
        if isinstance(thing, File):
            Path(path).write_bytes(fate.content(thing))
            return
        os.makedirs(path, exist_ok=True)
        for name, child in fate.names(thing).items():
            self.write(child, os.path.join(path, name), fate)

    def leave(self, target, fate):
        self.write(self.at[self.root], str(target), fate)


def names_after(names, groups):
    names = dict(names)
    for group in groups:
        for name, inode in group:
            if inode is None:
                names.pop(name, None)
            else:
                names[name] = inode
    return names


class Nothing_lost:
    def content(self, file):
        content = file.synced
        for op in file.pending:
            content = change(content, op)
        return content

    def names(self, folder):
        return names_after(folder.synced, folder.pending)


class Power_cut:
    """`dice` decides how each unsynced piece ends. Some cuts keep all before a point, as a log of the file system would;
    some keep nothing; most keep any part of it, and tear writes at sectors."""

    def __init__(self, dice):
        self.dice = dice
        self.share = dice.choice((0, 0, 0.1, 0.5, 0.9, 1))
        self.share_of_names = dice.choice((0, 0.5, 1))
        self.is_in_order = dice.random() < 0.3
        self.torn = dice.choice((0, 0.2, 0.5))
        self.sector = dice.choice(SECTORS)

    def _some(self, pending, share):
        if self.is_in_order:
            return pending[:self.dice.randint(0, len(pending))]
        return [one for one in pending if self.dice.random() < share]

    def _tear(self, op):
        """The sectors of a write that are there; what is torn may also be noise."""
        end, at = op.offset + len(op.data), op.offset
        while at < end:
            until = min(end, (at // self.sector + 1) * self.sector)
            fate = self.dice.random()
            data = op.data[at - op.offset:until - op.offset]
            if fate < 0.1:
                data = self.dice.randbytes(len(data))
            if fate < 0.6:
                yield Op(WRITE, op.path, op.inode, at, data, 0)
            at = until

    def content(self, file):
        content, kept = file.synced, self._some(file.pending, self.share)
        for op in kept:
            is_torn = op.kind == WRITE and self.dice.random() < self.torn
            for part in self._tear(op) if is_torn else [op]:
                content = change(content, part)
        if self.dice.random() < 0.1:
            size = max([len(content)] + [op.offset + len(op.data) for op in file.pending if op.kind == WRITE])
            content += bytes(size - len(content))
        return content

    def names(self, folder):
        return names_after(folder.synced, self._some(folder.pending, self.share_of_names))
