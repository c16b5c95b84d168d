"""SpamAssassin for one test (Debian's packages): a spamd of the test's own, which reads the package's rules only.

It asks no network and learns nothing. No setting or update of this machine counts: the same package gives the same
scores everywhere.
"""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from socket import create_connection, create_server

from tests.memory import in_memory

SPAMD, RULES = "/usr/sbin/spamd", Path("/usr/share/spamassassin")
SETTINGS = """
dns_available no
skip_rbl_checks 1
use_bayes 0
report_safe 0
clear_report_template
report _TESTSSCORES_
"""
# All that judge a message by its bytes. Those that ask the network, learn, or compile the rules are not among them.
PLUGINS = (
    "BodyEval Check FreeMail HTMLEval HTTPSMismatch HeaderEval ImageInfo MIMEEval MIMEHeader RelayEval ReplaceTags"
    " URIDetail URIEval WLBLEval WelcomeListSubject"
)
AT_MOST = 30  # seconds to start, on a busy machine; it takes one


def hindrance():
    """Why SpamAssassin cannot run here, or ''."""
    return "" if Path(SPAMD).exists() and RULES.is_dir() else "the packages spamassassin and spamd are missing"


class Spamd:
    """A spamd on a port of its own, with two children."""

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="spamd-", dir=in_memory()))
        self._folder.chmod(0o755)  # its children do not run as root
        site = self._folder / "site"
        site.mkdir()
        (site / "local.cf").write_text(SETTINGS)
        (site / "plugins.pre").write_text(
            "".join(f"loadplugin Mail::SpamAssassin::Plugin::{name}\n" for name in PLUGINS.split())
        )
        with create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        command = [SPAMD, "--local", "--nouser-config", f"--configpath={RULES}", f"--siteconfigpath={site}"]
        command += ["--listen=127.0.0.1", f"--port={self._port}", "--min-children=2", "--max-children=2"]
        command += [f"--helper-home-dir={self._folder}", f"--pidfile={self._folder / 'pid'}", "--syslog=stderr"]
        command += ["--username=nobody"] if os.geteuid() == 0 else []
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def scores(self, wire):
        """What each rule that matches a message adds to its score, by the rule's name (SPAMC 1.2)."""
        said = self._ask(b"REPORT SPAMC/1.2\r\nContent-length: %d\r\n\r\n" % len(wire) + wire)
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith(b"SPAMD/1.1 0 "), said
        named = (rule.rpartition("=") for rule in body.decode().strip().split(",") if rule != "none")
        return {name: float(score) for name, _, score in named}

    def stop(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder)

    def _wait(self):
        until = time.monotonic() + AT_MOST
        while True:
            with suppress(OSError):
                if self._ask(b"PING SPAMC/1.2\r\n\r\n").endswith(b"PONG\r\n"):
                    return
            log = (self._folder / "log").read_text(errors="replace")
            assert self._process.poll() is None, log
            assert time.monotonic() < until, log
            time.sleep(0.02)

    def _ask(self, request):
        with create_connection(("127.0.0.1", self._port), timeout=AT_MOST) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as said:
                return said.read()
