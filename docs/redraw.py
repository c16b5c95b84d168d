"""Repeat a draw of departures, and its figure, from its public file: python3 redraw.py FILE

FILE is what /t/ID.json gives, ID being the campaign's number, or what `campaign draw ID --json` prints, which has no
figure. Where it puts strata together, the figure is near the one told. Only Python's standard library is used. It ends
with 1 when the nonce is not the one that was sealed.
"""

import json
import sys
from hashlib import sha256
from math import hypot, sqrt
from pathlib import Path

told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
nonce = bytes.fromhex(told["nonce"])
if sha256(nonce).hexdigest() != told["commitment"]:
    sys.exit("The nonce is not the one whose digest was sealed at the submission.")
frozen = {name: told[name] for name in ("approver_bytes", "attempt", "content")} | {"list": sorted(told["list"])}
text = json.dumps(frozen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
content_digest = sha256(text.encode("utf-8")).digest()
seed = sha256(nonce + content_digest).digest()
again = {"content_digest": content_digest.hex(), "seed": seed.hex(), "strata": []}
for name in sorted({name for name, _ in frozen["list"]}):
    fases = [fase for stratum, fase in frozen["list"] if stratum == name]
    order = sorted(fases, key=lambda fase: sha256(seed + str(fase).encode("ascii")).digest())
    again["strata"].append({"name": name, "order": order, "departures": [order[place::3] for place in range(3)]})
tables = [(one["n1"], one["y1"], one["n0"], one["y0"]) for one in told.get("tables") or [] if one["n1"] and one["n0"]]
weights, sides = [n1 * n0 / (n1 + n0) for n1, _, n0, _ in tables], []
for n, y in ((0, 1), (2, 3)) if tables else ():  # those written to, then those who wait: a share, Wilson's two limits
    shares = [(weight / sum(weights), table[n], table[y]) for weight, table in zip(weights, tables, strict=True)]
    p = sum(share * joined / size for share, size, joined in shares)
    z = 1.959963984540054**2 * sum(share**2 / size for share, size, _ in shares)  # 1.96² over the effective size
    half = sqrt(max(z * (p * (1 - p) + z / 4), 0))
    sides.append((p, (p + z / 2 - half) / (1 + z), (p + z / 2 + half) / (1 + z)))
if tables:  # Newcombe 1998, method 10
    (p1, low1, high1), (p0, low0, high0) = sides
    low, high = p1 - p0 - hypot(p1 - low1, high0 - p0), p1 - p0 + hypot(high1 - p1, p0 - low0)
    again |= {"estimate": p1 - p0, "low": low, "high": high}
print(json.dumps(again))
