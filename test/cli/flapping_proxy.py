"""A TCP proxy that is down as often as it is told, in the ways in which a server is down."""

import random
import select
import socket
import struct
import threading
import time

DOWN_WAYS = ("refuse", "reset")


def reset(connection):
    """Ends it by RST, as a process does that died with bytes unread."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    except OSError:
        pass


class FlappingProxy:
    """Forwards a port of its own to `target`. Up and down last for `period` seconds on average and
    take turns, by a seed; going down cuts what is open. `share`: of the time that it is down."""

    def __init__(self, target, share, period=0.5, seed=1):
        self.target, self.share, self.period = target, share, period
        self.dice = random.Random(seed)
        self.lock = threading.Lock()
        self.way = None  # None: up
        self.n_down = 0  # a connection belongs to the time between two of them
        self.is_stopping = False
        self.listener = None
        self.port = 0
        self.listen()
        for run in (self.accept, self.flap):
            threading.Thread(target=run, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self.listener = listener

    def flap(self):
        while not self.is_stopping:
            if self.share < 1:
                self.go_up()
                self.rest(2 * self.period * (1 - self.share))
            if self.share > 0:
                self.go_down()
                self.rest(2 * self.period * self.share)

    def rest(self, mean):
        time.sleep(mean * self.dice.uniform(0.5, 1.5))

    def go_up(self):
        with self.lock:
            if self.listener is None:
                self.listen()
            self.way = None

    def go_down(self):
        with self.lock:
            self.way = self.dice.choice(DOWN_WAYS)
            self.n_down += 1
            if self.way == "refuse":
                self.listener.close()
                self.listener = None

    def accept(self):
        while not self.is_stopping:
            with self.lock:
                listener = self.listener
            if listener is None:
                time.sleep(0.005)
                continue
            try:
                if not select.select([listener], [], [], 0.02)[0]:
                    continue
                client, _ = listener.accept()
            except (OSError, ValueError):
                continue
            with self.lock:
                way, n_down = self.way, self.n_down
            if way is None:
                threading.Thread(target=self.forward, args=(client, n_down), daemon=True).start()
            else:
                reset(client)

    def forward(self, client, n_down):
        """Until one side ends it or the proxy goes down. Nobody else closes what select waits for:
        the kernel would keep the connection open for it, and its peer would never hear of the end."""
        host, _, port = self.target.rpartition("//")[2].partition(":")
        connections = [client]
        try:
            server = socket.create_connection((host, int(port)))
            connections.append(server)
            pair = {client: server, server: client}
            while self.n_down == n_down:
                for ready in select.select(list(pair), [], [], 0.02)[0]:
                    piece = ready.recv(65536)
                    if not piece:
                        return
                    pair[ready].sendall(piece)
            for connection in connections:
                reset(connection)
        except OSError:
            pass
        finally:
            for connection in connections:
                connection.close()

    def stop(self):
        self.is_stopping = True
