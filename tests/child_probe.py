"""What a child process is given: its environment, its input, its limits. Tests run it as a module."""

import json
import os
import resource
import sys
import time

from outreach.core import sandbox

if __name__ == "__main__":
    sandbox.limit(seconds=7, memory=1_500_000_000)
    given = sys.stdin.read()
    time.sleep(60 if given == "sleep" else 0)
    limits = [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]
    print(json.dumps({"environment": dict(os.environ), "given": given, "limits": limits}))
