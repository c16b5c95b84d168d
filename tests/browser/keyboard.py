"""Going through a page with the Tab key: each stop has to be seen, and none holds the focus."""

# A date is one element with four stops (day, month, year, calendar), and a browser that is busy drops a key now and
# then; what holds the focus holds it however often Tab is pressed.
TRAPPED = 15
STOP = """() => {
  const stop = document.activeElement, place = stop.getBoundingClientRect();
  // A box to tick shows the focus around itself and its label; a date, within itself.
  const shown = [stop, stop.closest(".ds-field")].filter(Boolean).map(one => getComputedStyle(one));
  const isOutlined = stop.type === "date" || shown.some(one => ["auto", "solid"].includes(one.outlineStyle));
  const isInSight = place.width > 0 && place.bottom > 0 && place.top < innerHeight && place.right > 0;
  return { name: stop.outerHTML.slice(0, 120), isSeen: stop === document.body || (isOutlined && isInSight) };
}"""


def tab_to(page, target, most=120):
    """Press Tab until the target has the focus; on the way, each stop shows it and lets it go."""
    target.wait_for()
    before, held = None, 0
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        assert stop["isSeen"], f"the focus is not seen on {stop['name']}"
        held = held + 1 if stop["name"] == before else 0
        assert held < TRAPPED, f"the focus does not leave {stop['name']}"
        before = stop["name"]
        if target.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError("the keyboard does not reach it")


def press_on(page, target, key="Enter"):
    """Reach a target by Tab and press a key on it."""
    tab_to(page, target)
    page.keyboard.press(key)
