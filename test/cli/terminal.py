"""A terminal of any size with the program in it, and what stands on its screen."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pyte


class Terminal:
    """The program as the only one in a terminal of its own. TERM is linux where the screen is read: the emulator knows
    all of its sequences."""

    def __init__(self, ragged, *words, columns=80, rows=24, env=None):
        self.leader, self.follower = pty.openpty()
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.resize(columns, rows)
        self.usual = termios.tcgetattr(self.follower)
        self.process = subprocess.Popen(
            ragged.command(*words), env=ragged.with_environment({"TERM": "linux", **(env or {})}),
            stdin=self.follower, stdout=self.follower, stderr=self.follower, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.usage = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        os.close(self.leader)
        os.close(self.follower)

    def resize(self, columns, rows):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read(self, seconds=0.1):
        """All that comes in a row: a screen is not looked at while it is drawn."""
        while select.select([self.leader], [], [], seconds)[0]:
            piece = os.read(self.leader, 65536)
            self.written += piece
            self.stream.feed(piece)
            seconds = 0.02

    def type(self, keys):
        os.write(self.leader, keys.encode())

    @property
    def lines(self):
        return list(self.screen.display)

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait_for(self, what, seconds=30):
        """Until what(text) is true, or `what` stands there; returns the text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            text = self.text
            if what(text) if callable(what) else what in text:
                return text
        raise AssertionError("waited for %r in vain:\n%s" % (what, self.text))

    def end(self, seconds=30):
        """The exit code, once the program has ended; `usage` is then what it took."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            self.read(0.05)
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.usage = usage
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.read(0)
                return self.process.returncode
        raise AssertionError("it does not end:\n" + self.text)

    def is_usual(self):
        """Lines are edited and echoed again, as before the program came."""
        return termios.tcgetattr(self.follower) == self.usual
