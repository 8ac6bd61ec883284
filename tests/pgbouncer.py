"""A PgBouncer of the tests' own, in transaction mode over their PostgreSQL server."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.postgres import STARTS_WITHIN_SECONDS, PostgresServer
from tests.serving import free_port

BINARY = shutil.which("pgbouncer") or next((str(p) for p in (Path("/usr/sbin/pgbouncer"),) if p.exists()), None)
CONNECTIONS = 3
"""To the server, of each database: fewer than a process has to the pooler, so that turns are taken."""

CONFIGURATION = """[databases]
* = host=127.0.0.1 port={server} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
"""


@contextmanager
def pooling(server: PostgresServer) -> Iterator[int]:
    """Runs it; answers its port. As root it runs as nobody, for it refuses root."""
    assert BINARY is not None
    with tempfile.TemporaryDirectory(prefix="rolodesk-pgbouncer-") as name:
        directory, port = Path(name), free_port()
        text = CONFIGURATION.format(server=server.port, port=port, directory=directory, connections=CONNECTIONS)
        (directory / "pgbouncer.ini").write_text(text)
        (directory / "users").write_text('"postgres" ""\n')
        command = [BINARY, "-q", str(directory / "pgbouncer.ini")]
        somebody = {}
        if os.getuid() == 0:
            entry = pwd.getpwnam("nobody")
            somebody = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            for path in (directory, *directory.iterdir()):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **somebody)
        try:
            began = time.monotonic()
            while True:
                with closing(socket.socket()) as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, (directory / "log").read_text()
                assert time.monotonic() - began < STARTS_WITHIN_SECONDS, "it does not listen"
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait(STARTS_WITHIN_SECONDS)


def through(url: str, port: int) -> str:
    """The address of the same database by way of the pooler."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{port}", query="prepared_statements=off"))
