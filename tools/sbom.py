#!/usr/bin/env python3
"""Write sbom.cdx.json: the packages of requirements.lock, as CycloneDX 1.6 (maintainers only)."""

import json
import pathlib
import re
import uuid

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = pathlib.Path(__file__).resolve().parent.parent


def bill(lock: str) -> str:
    """The bill of a lock. The same lock has the same bill: no moment, and a serial number that follows from it."""
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, lock))
    bom.metadata.component = Component(name="outreach", type=ComponentType.APPLICATION, bom_ref="outreach")
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, re.MULTILINE):
        purl = PackageURL("pypi", name=name, version=version)
        bom.components.add(Component(name=name, version=version, purl=purl, bom_ref=str(purl)))
    bom.register_dependency(bom.metadata.component, bom.components)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]
    return f"{json.dumps(document, indent=1)}\n"


if __name__ == "__main__":
    (ROOT / "sbom.cdx.json").write_text(bill((ROOT / "requirements.lock").read_text("utf-8")), "utf-8")
