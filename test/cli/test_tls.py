"""Certificates that nobody may trust: the end is at once, and no second try is made."""

import shutil
import socket
import ssl
import subprocess
import threading

import pytest


class Tls:
    """A server that counts who shakes hands with it; what it would answer never matters."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.n_connections = 0
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            self.n_connections += 1
            try:
                self.context.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, OSError):
                pass


@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=other.example", "-addext", "subjectAltName=DNS:other.example",
                    "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


@pytest.mark.parametrize("is_known", [False, True], ids=["unknown issuer", "another name"])
def test_a_certificate_that_does_not_fit_ends_it(library, certificate, is_known):
    server = Tls(*certificate)
    environment = {"RAGGED_OPENAI_URL": "https://localhost:%d/v1" % server.port}
    if is_known:
        environment["SSL_CERT_FILE"] = certificate[0]
    done = library.try_run("--verbose", "query", "-g", "openai", "Who is the head gardener?",
                           env=environment)
    assert done.returncode == 1
    assert "could not trust the certificate of https://localhost" in done.stderr
    assert "(permanent, refused: " in done.stderr
    assert server.n_connections == 1
