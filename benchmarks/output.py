"""How a benchmark prints what it measured: one JSON object, or a line for each figure."""

import json
from collections.abc import Mapping


def show(figures: Mapping[str, object], *, rate: str, yardstick: str, as_json: bool) -> None:
    """Print the figures; as lines, also the share of the figure `yardstick`, where there is one, that `rate` is."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {'–' if value is None else value}")
    if figures[yardstick]:
        print(f"{'of the yardstick':22} {figures[rate] / figures[yardstick]:.3f}")
