"""Repeat a draw of departures from its published file: python3 redraw.py draw.json

The file holds "nonce", "commitment", "approver_bytes" (hexadecimal), "attempt", "content" and "list", whose lines are
[stratum, FASE number]. Only Python's standard library is used. It ends with 1 when the nonce is not the committed one.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
nonce = bytes.fromhex(told["nonce"])
if sha256(nonce).hexdigest() != told["commitment"]:
    sys.exit("The nonce is not the one whose digest was published at the submission.")
frozen = {name: told[name] for name in ("approver_bytes", "attempt", "content")} | {"list": sorted(told["list"])}
text = json.dumps(frozen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
content_digest = sha256(text.encode("utf-8")).digest()
seed = sha256(nonce + content_digest).digest()

strata: dict[str, list[int]] = {}
for stratum, fase in frozen["list"]:
    strata.setdefault(stratum, []).append(fase)
drawn = []
for stratum, fases in strata.items():
    order = sorted(fases, key=lambda fase: sha256(seed + str(fase).encode("ascii")).digest())
    drawn.append({"name": stratum, "order": order, "departures": [order[place::3] for place in range(3)]})
print(json.dumps({"content_digest": content_digest.hex(), "seed": seed.hex(), "strata": drawn}))
