"""Machines that follow a letter's links as scanners of mail do, by the network alone: what they see is what is served.

They choose nothing: they press buttons, tick the first choice, and send forms that they were never given.
"""

import http.client
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urljoin

from tests.pages import actions, elements, form_of, links
from tests.parsing import Parser

OF_LETTERS = ("/a/", "/u/", "/v/", "/r")
MADE_UP = [{"answer": one} for one in ("joined", "declined", "in_preparation", "not_concerned", "tender_launched")]
MADE_UP += [{"why": ""}, {"why": "person"}, {"again": "again"}, {"whose": "not_ours"}, {"measure": "1"}, {}]


class Shown:
    """A page as it came, parsed once."""

    def __init__(self, status, text):
        self.status_code, self.text = status, text
        self.tree = Parser().parse(text) if "<form" in text or "<a " in text else None


class Machine:
    """A program that asks for pages at one moment and sends their forms at another, without a cookie.

    `now`, `later` and `last` are the ports of processes that serve one database by clocks that stand so far apart.
    """

    def __init__(self, now, later, last):
        self.now, self.later, self.last, self.sent = now, later, last, 0

    def ask(self, address, form=None, method=None, *, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.now, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        body = None if form is None else urlencode(form, doseq=True)
        try:
            connection.request(method or ("GET" if form is None else "POST"), address, body, headers)
            answer = connection.getresponse()
            shown = Shown(answer.status, answer.read().decode("utf-8", "replace"))
            location = answer.headers.get("Location")
        finally:
            connection.close()
        assert shown.status_code < 500, (address, form, shown.text[:500])
        return self.ask(urljoin(address, location), port=port) if location and shown.status_code == 303 else shown

    def send(self, address, form, *, port=None):
        self.sent += 1
        return self.ask(address, form, port=port or self.later)

    def forms(self, page):
        """Each form of letters' pages as it stands: where it leads, and what a browser would send without a choice."""
        return [(one, form_of(page, one)) for one in dict.fromkeys(actions(page)) if one and one.startswith(OF_LETTERS)]


def head(machine, address):
    machine.ask(address, method="HEAD")


def every_link(machine, address):
    """Everything that leads on from the page, and from there, stopping nowhere."""
    seen, next_ = {address}, [address]
    for _ in range(2):
        pages = [machine.ask(one) for one in next_]
        found = [to for page in pages if page.tree is not None for to, _ in links(page) if to.startswith(OF_LETTERS)]
        next_ = [one for one in dict.fromkeys(found) if one not in seen][:12]
        seen.update(next_)


def every_form_at_once(machine, address):
    forms = machine.forms(machine.ask(address))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: machine.send(*one), forms * 2))


def without_a_page(machine, address):
    for form in MADE_UP:
        machine.send(address.partition("?")[0], form)


def each_button(machine, address, *, backwards=False):
    page = machine.ask(address)
    step = -1 if backwards else 1
    for action, form in machine.forms(page)[::step]:
        (own,) = [one for one in elements(page, "form") if one.get("action") == action][:1]
        buttons = [{one.get("name"): one.get("value")} if one.get("name") else {} for one in elements(own, "button")]
        for pressed in buttons[::step]:
            follow(machine, machine.send(action, {**form, **pressed}))


def each_button_backwards(machine, address):
    each_button(machine, address, backwards=True)


def follow(machine, page):
    """Send what the answer to a form shows, as it stands there, much later."""
    for action, form in machine.forms(page) if page.tree is not None else ():
        machine.send(action, form, port=machine.last)


def first_choice(machine, address):
    page = machine.ask(address)
    for action, form in machine.forms(page):
        (own,) = [one for one in elements(page, "form") if one.get("action") == action][:1]
        radios = elements(own, "input[@type='radio']")
        firsts = {one.get("name"): one.get("value") for one in reversed(radios)}
        follow(machine, machine.send(action, {**form, **firsts}))


BEHAVIOURS = (
    head,
    every_link,
    every_form_at_once,
    without_a_page,
    each_button,
    each_button_backwards,
    first_choice,
)
