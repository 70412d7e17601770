"""A directory of the tests' own: Debian's slapd with a few people and groups, on a free port, for the time of a test.

It speaks LDAP, and TLS after StartTLS, on one port and LDAPS on another one.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.certificates import self_signed

__all__ = ["ADMIN", "BASE", "Slapd"]

BASE = "dc=gateline,dc=test"
ADMIN = f"cn=admin,{BASE}"
_DEADLINE = 30.0
_INSTALL = "these tests need OpenLDAP's slapd. On Debian and Ubuntu: apt-get install slapd"

_CONFIG = """\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/nis.schema
include {schema}/inetorgperson.schema
pidfile {folder}/pid
modulepath {modules}
moduleload back_mdb
moduleload memberof
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
allow bind_v2
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw admin-secret
directory {folder}/data
maxsize 10485760
dbnosync
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""

_PEOPLE = (("bob", "bob-secret", "Bob"), ("ann", "ann:secret", "Ann"), ("o,brien", "comma-secret", "O'Brien"))
_GROUPS = (("staff", ("bob", "ann")), ("ops", ("bob",)), ("empty", ("nobody",)))


class Slapd:
    """A running directory; a `with` statement starts and ends it."""

    def __init__(self) -> None:
        binary = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/openldap")
        if binary is None:
            raise RuntimeError(_INSTALL)
        self._installed = binary
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="gateline-ldap-"))
        self.certificate, self._key = self_signed(self.folder, "localhost")
        self.port, self.tls_port = _free_port(), _free_port()
        self._binary = str(self.folder / "slapd")

    def __enter__(self) -> Self:
        shutil.copy(self._installed, self._binary)  # what may confine the installed one does not know this one
        (self.folder / "data").mkdir()
        modules = next((path for path in map(Path, ("/usr/lib/ldap", "/usr/lib/openldap")) if path.exists()), "")
        config = _CONFIG.format(
            schema="/etc/ldap/schema" if Path("/etc/ldap/schema").exists() else "/etc/openldap/schema",
            folder=self.folder,
            modules=modules,
            certificate=self.certificate,
            key=self._key,
            base=BASE,
            admin=ADMIN,
        )
        (self.folder / "slapd.conf").write_text(config)
        added = subprocess.run(
            [self._binary, "-T", "add", "-f", self.folder / "slapd.conf"],
            input=_entries(),
            text=True,
            capture_output=True,
            check=False,
        )
        if added.returncode:
            raise RuntimeError(f"slapadd failed: {added.stderr}")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "-d", "0", "-h", urls, "-f", self.folder / "slapd.conf"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _DEADLINE
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"slapd did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pause(self) -> None:
        """Let it answer nothing any more, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # a busy machine may take its time to stop it

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def _entries() -> str:
    parts = [
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: gateline\no: Gateline\n",
        f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n",
        f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n",
    ]
    members = {name: [group for group, inside in _GROUPS if name in inside] for name, _, _ in _PEOPLE}
    for name, password, surname in _PEOPLE:
        text = f"dn: {_person(name)}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {surname}\nsn: {surname}\n"
        text += f"userPassword: {password}\n"
        text += "".join(f"memberOf: cn={group},ou=groups,{BASE}\n" for group in members[name])
        parts.append(text)
    for group, inside in _GROUPS:
        text = f"dn: cn={group},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {group}\n"
        parts.append(text + "".join(f"member: {_person(name)}\n" for name in inside))
    posix = f"dn: cn=posix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 1\nmemberUid: bob\n"
    twice = "".join(
        f"dn: cn=twice{number},{BASE}\nobjectClass: inetOrgPerson\nuid: twice\ncn: twice{number}\nsn: x\n"
        "userPassword: twice\n\n"
        for number in (1, 2)
    )
    return "\n".join([*parts, posix, twice])


def _person(name: str) -> str:
    return f"uid={name.replace(',', chr(92) + ',')},ou=people,{BASE}"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
