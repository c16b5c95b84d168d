"""Run a command with the system calls and address families of a unit only, as systemd would: UNIT COMMAND …"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # of libseccomp: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO
EQUAL = 4  # SCMP_CMP_EQ
NO_NEW_PRIVILEGES, NO_WRITABLE_CODE, REFUSE_GAIN = 38, 65, 1  # of prctl(2)


class Argument(ctypes.Structure):
    """A comparison of one argument (struct scmp_arg_cmp)."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def given(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)


def members(group):
    """The calls of a group of systemd (`@system-service`)."""
    ended = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    words = [line.strip() for line in ended.stdout.splitlines()[1:]]
    return {
        call
        for word in words
        if word and not word.startswith("#")
        for call in (members(word) if word.startswith("@") else {word})
    }


def calls_of(unit):
    allowed = members("@default") | {"execve"}
    for line in given(unit, "SystemCallFilter"):
        for group in line.removeprefix("~").split():
            allowed = allowed - members(group) if line.startswith("~") else allowed | members(group)
    return allowed


def confine(unit):
    """Confine this process, for good."""
    library, kernel = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(REFUSE))
    families = [getattr(socket, name) for name in given(unit, "RestrictAddressFamilies")[0].split()]
    for call in sorted(calls_of(unit)):
        number = library.seccomp_syscall_resolve_name(call.encode())
        if call == "socket":
            for family in families:
                wanted = Argument(0, EQUAL, family, 0)
                library.seccomp_rule_add_array(context, ALLOW, number, 1, ctypes.byref(wanted))
        elif number >= 0:  # else it is of another machine's
            library.seccomp_rule_add(context, ALLOW, number, 0)
    kernel.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if given(unit, "MemoryDenyWriteExecute") == ["yes"]:
        kernel.prctl(NO_WRITABLE_CODE, REFUSE_GAIN, 0, 0, 0)
    if library.seccomp_load(context):
        sys.exit("the filter is not taken")


if __name__ == "__main__":
    confine(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - what a test names
