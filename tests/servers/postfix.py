"""A Postfix for one test (Debian's package): all its files are in one folder, and it listens on 127.0.0.1 only."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from pwd import getpwnam
from socket import create_server

from tests.memory import in_memory

COMMANDS = "/usr/sbin:/usr/bin:/sbin:/bin"
DAEMONS = Path("/usr/lib/postfix/sbin")
KEEPER = getpwnam("nobody").pw_uid
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = relais.example
mydestination =
mynetworks = 127.0.0.1
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{next_hop}
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/refused, permit_mynetworks, reject
transport_maps = texthash:{folder}/transport
virtual_alias_maps = regexp:{folder}/returns
virtual_mailbox_domains = courriel.example
virtual_mailbox_maps = inline:{{retours@courriel.example=box/}}
virtual_mailbox_base = {folder}
virtual_uid_maps = static:{keeper}
virtual_gid_maps = static:{keeper}
notify_classes =
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
delay_warning_time = 1s
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


def hindrance():
    """Why Postfix cannot run here, or ''."""
    if not (DAEMONS / "master").exists():
        return "the package postfix is missing"
    return "" if os.geteuid() == 0 else "Postfix takes root"


class Postfix:
    """A relay that forwards everything to a port. Letters to addresses that match `returns` go to a Maildir, `box`.

    `refused` maps a recipient to the reply it gives at once. `routes` maps a recipient or a domain to another next hop.
    `aliases` maps a recipient to the address that it forwards to.
    """

    def __init__(self, next_hop, returns, *, routes, refused=(), aliases=()):
        # Its daemons do not run as root and need access: other users cannot enter a test's own folder.
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=in_memory()))
        self.folder.chmod(0o755)
        with create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        filled = {"folder": self.folder, "daemons": DAEMONS, "keeper": KEEPER, "next_hop": next_hop, "port": self.port}
        self._write("main.cf", MAIN.format(**filled))
        self._write("master.cf", MASTER.format(**filled))
        self._write("refused", *(f"{address} {reply}" for address, reply in dict(refused).items()))
        self._write("transport", *(f"{address} smtp:{hop}" for address, hop in routes.items()))
        self._write(
            "returns",
            f"{returns} retours@courriel.example",
            *(f"/^{re.escape(one)}$/ {to}" for one, to in dict(aliases).items()),
        )
        self.box = self.folder / "box"
        self._make("box", "nobody", "cur", "new", "tmp")
        self._make("data", "postfix")
        self._make("queue", "root")
        self._begin()

    def relent(self):
        """Stop refusing recipients. From now on, letters that have been deferred once are returned."""
        self._write("refused")
        self._run("postconf", "-e", "maximal_queue_lifetime=0")
        # Restarted, because during a reload some of its processes still refuse and others drop connections.
        self._run("postfix", "stop")
        self._begin()

    def kept(self):
        """How many messages are in its mailbox."""
        return len(list((self.box / "new").iterdir()))

    def stop(self):
        try:
            self._run("postfix", "stop")
        finally:
            shutil.rmtree(self.folder)

    def _begin(self, times=5):
        """Start it. Its master gives up when it is not ready within seconds, which a busy machine may take."""
        for _ in range(times - 1):
            with contextlib.suppress(AssertionError):
                return self._run("postfix", "start")
            time.sleep(1)
        return self._run("postfix", "start")

    def _write(self, name, *lines):
        (self.folder / name).write_text("\n".join([*lines, ""]))

    def _make(self, name, owner, *below):
        for path in (self.folder / name, *(self.folder / name / one for one in below)):
            path.mkdir()
            shutil.chown(path, owner)

    def _run(self, *command):
        environment = {"PATH": COMMANDS, "MAIL_CONFIG": str(self.folder)}
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
