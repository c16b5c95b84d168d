#!/usr/bin/env python3
"""Take every picture of the documentation in a demonstration of its own (maintainers only).

Usage: .venv/bin/python tools/screenshots.py; needs Debian's chromium, chromium-l10n (dates in French), pngquant and
poppler-utils.

The demonstration begins in an empty folder and its clock is set, so that each picture shows the same as the last time.
All are taken, in order, as each step needs those before it. Pictures that no page shows are reported.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Frame, Page, Request, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
WEB, MAILBOX = "127.0.0.1:8471", "127.0.0.1:8496"
PASSWORD = "demonstration"  # noqa: S105 - of a demonstration that ends with the script
LAST_MINUTE = "2026-11-17 10:29"
MOST_BYTES = 130_000
MARGIN = 16
HELD_AFTER = 20  # letters
SETTLED_MS = 500

AUTHOR, APPROVER, CHIEF = "nadia.lambert@fwb.example", "marc.dethier@fwb.example", "hugo.willems@fwb.example"
ADVISER, NOBODY = "sophie.maes@segec.example", ""
LIST = """fase;volet;statut;date;source;motif
80001;1;adhéré;12/11/2026;Formulaire de la circulaire 7831;
80005;1;en préparation;10/11/2026;Appel téléphonique;
80009;1;refus;10/11/2026;Courriel reçu;Équipement déjà acquis
80013;1;peut-être;10/11/2026;Courriel reçu;
8001;1;adhéré;12/11/2026;Formulaire de la circulaire 7831;
"""
JOININGS = {"name": "adhesions.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
CONTACTS = """FASE du PO;Courriel;FASE école;Nom;Fonction;Type;Téléphone
9001;direction@athenee-royal.example;80001;Anne Lefèvre;Directrice;fonction;02 555 12 34
9002;secretariat@commune.example;;;Secrétariat;fonction;
9003;po009003@adm.fwb.example;;Paul Marchal;Président;personne;+32 81 55 12 34
9004;info@ecole;;;Accueil;fonction;
9300;direction@saint-joseph.example;80001;;Direction;fonction;
"""
MAILBOXES = {"name": "contacts.csv", "mimeType": "text/csv", "buffer": CONTACTS.encode()}


class Shot(NamedTuple):
    """A picture: its file under docs/ (or "" for steps alone), the account, the page's address, the steps, the crop.

    A step calls a Playwright method on the first element of a selector: the method's name, the selector, the arguments.
    The picture is cropped to all elements of the selector `crop`; without one, it shows the top of the window,
    which is `width` pixels wide.
    """

    picture: str
    account: str
    address: str
    steps: tuple[tuple[Any, ...], ...] = ()
    crop: str = ""
    width: int = 1280


def button(words: str) -> str:
    return f'button:has-text("{words}")'


UNFOLDED = (
    "evaluate",
    "main:has(#title)",
    "main => main.querySelectorAll('details').forEach(one => { one.open = true })",
)


def a_note(title: str, day: str) -> tuple[tuple[str, ...], ...]:
    """The steps from the form of a note to its draft."""
    return UNFOLDED, ("fill", "#title", title), ("fill", "#as_of", day), ("click", PREVIEW)


A_NOTE = "main > h1, .crumbs, section:has(> :is(#part-1, #part-2, #part-3))"  # its head and its first sections
PREVIEW = button("Enregistrer et voir l’aperçu")
OTHERS = "details:has(#other)"
A_CALL = 'details:has(> summary:has-text("Noter un appel"))'
MANY_SCHOOLS = f"{OTHERS} > summary, {OTHERS} > .stack > :is(p.note, .inline), {OTHERS} .choices:nth-of-type(2)"
ACTS = {
    "2026-11-17 09:50": (
        Shot("guide/images/connexion", NOBODY, "/sign-in", crop="main > *"),
        Shot(
            "guide/images/second-facteur",
            AUTHOR,
            "/account/second-factor",
            (("fill", "#password", PASSWORD), ("click", button("Mettre en place")), ("wait_for", ".qr")),
            "main > *",
        ),
        Shot("guide/images/premiers-pas", AUTHOR, "/", (("click", "#steps > summary"),), "#steps"),
        Shot(
            "images/situation",
            AUTHOR,
            "/",
            (("evaluate", "#steps", "frame => frame.remove()"),),  # only a demonstration has it
            "main > .heading, main > form, main > section:has(> .lead, table), .halves",
        ),
        Shot("guide/images/federation", ADVISER, "/"),
        Shot("guide/images/papier", AUTHOR, "/campaigns/1/paper", crop="main > *"),
        Shot("guide/images/appels", AUTHOR, "/campaigns/1/calls", crop="main > *"),
        Shot("guide/images/annuaire", AUTHOR, "/directory?network=Libre+confessionnel&level=secondary&zone=Liège"),
        Shot("guide/images/exclusions", AUTHOR, "/directory/exclusions", crop="main > *, .crumbs"),
        Shot(
            "guide/images/etat-des-boites",
            AUTHOR,
            "/directory/reachability",
            crop=".crumbs, h1, .browse, section:has(> #by-network)",
        ),
        Shot("", AUTHOR, "/directory?reach=bounced", (("click", "tbody th a"),)),
        Shot("guide/images/contacts", AUTHOR, "", (("click", '.tabs a:has-text("Contacts")'),), "main > *"),
        Shot(
            "guide/images/adresse",
            AUTHOR,
            "",
            (
                ("click", 'td a:has-text("Corriger")'),
                ("fill", "#address", "Secrétariat <secretariat@saint-eloi.example>"),
                ("click", button("Enregistrer l’adresse")),
            ),
            "main > *",
        ),
        Shot(
            "guide/images/adhesions",
            AUTHOR,
            "/adherence/lists",
            (
                ("set_input_files", "input[type=file]", JOININGS),
                ("select_option", "#programme", "mes-outils-numeriques"),
                ("click", button("Vérifier le fichier")),
            ),
            "main > *",
        ),
        Shot("guide/images/registre", AUTHOR, "/directory/register/editions/2"),
        Shot("guide/images/programmes", CHIEF, "/administration/programmes/1", crop="main > *"),
        Shot("guide/images/fermetures", CHIEF, "/administration/closures"),
        Shot(
            "guide/images/liste-contacts",
            AUTHOR,
            "/directory/contact-lists",
            (("set_input_files", "input[type=file]", MAILBOXES), ("click", button("Vérifier le fichier"))),
            "main > *",
        ),
        Shot("guide/images/resultats", AUTHOR, "/campaigns/1/progress", crop="#moment"),
        Shot("guide/images/relances", AUTHOR, "/campaigns/1/progress/waves", crop="main > *"),
        Shot("guide/images/reponses", AUTHOR, "/responses"),
        Shot(
            "guide/images/reponse",
            AUTHOR,
            "/responses?tray=joined",
            (("click", "tbody td:last-child a"),),
            "main > *",
        ),
        Shot("guide/images/historique", AUTHOR, "", (("click", 'a:has-text("Historique")'),), "main > *"),
        Shot("guide/images/appel", AUTHOR, "", (("click", f"{A_CALL} > summary"),), A_CALL),
        Shot("guide/images/recu", AUTHOR, "/mailbox?q=po009927", (("click", "tbody th a"),)),
        Shot("images/letter", AUTHOR, "", crop="iframe", width=760),
        Shot(
            "guide/images/repondre",
            AUTHOR,
            "",
            (
                ("click", '.tabs a:has-text("Texte")'),
                ("evaluate", "pre", r"text => { location = text.innerText.match(/http\S+choice=joined/)[0] }"),
                ("wait_for", "#answer-joined"),
            ),
            "main > :is(h1, .facts, form, details)",
        ),
        Shot("images/answer", AUTHOR, "", width=390),
        Shot("", AUTHOR, "/mailbox?q=po009001", (("click", "tbody th a"),)),  # the authority of 147 schools
        Shot(
            "guide/images/repondre-liste",
            AUTHOR,
            "",
            (
                ("click", '.tabs a:has-text("Texte")'),
                ("evaluate", "pre", r"text => { location = text.innerText.match(/http\S+choice=joined/)[0] }"),
                ("click", 'summary:has-text("Répondre autrement")'),
                ("select_option", "#other", "declined"),
                ("fill", "#numbers", "3, 7, 12-15"),
            ),
            MANY_SCHOOLS,
        ),
        Shot("guide/images/campagnes-pretes", AUTHOR, "/campaigns/new"),
        Shot(
            "guide/images/public",
            AUTHOR,
            "",
            (
                ("click", 'li:has-text("Invitation au deuxième volet") button'),
                ("click", button("Continuer : le public")),
                ("fill", "#why", "9289"),
                ("click", f".actions {button('Mettre le compte à jour')}"),
                ("wait_for", "#results .notice"),
            ),
            ".crumbs, main > .heading, #choices, #results > :is(h2, .facts, .notice)",
        ),
        Shot("guide/images/courriel", AUTHOR, "", (("click", button("Enregistrer et écrire le courriel")),)),
        Shot(
            "guide/images/dates",
            AUTHOR,
            "",
            (
                ("click", button("Enregistrer et choisir les dates")),
                ("fill", "#day", "2026-11-17"),
                ("fill", "#hour", "10:30"),
                ("click", button("Voir les dates")),
                ("wait_for", "#plan li"),
            ),
            "main > .split",
        ),
        Shot("guide/images/verifier", AUTHOR, "", (("click", button("Enregistrer et vérifier")),), "main > .split"),
        Shot("", AUTHOR, "", (("click", button("Demander la validation")),)),
        Shot("guide/images/valider", APPROVER, "/campaigns/7/check", crop="main > :is(.split, .panel)"),
        Shot("", APPROVER, "", (("check", "#overlap"), ("click", button("Valider sans planifier")))),
        Shot("guide/images/planifier", AUTHOR, "/campaigns/7/check", crop=".panel >> nth=1"),
        Shot("", AUTHOR, "", (("click", button("Planifier l’envoi")),)),
        Shot("guide/images/calendrier", AUTHOR, "/calendar", crop="main > *"),
        Shot(
            "guide/images/inviter",
            CHIEF,
            "/administration/accounts/invitation",
            (
                ("fill", "#email", "lea.roland@fwb.example"),
                ("fill", "#name", "Léa Roland"),
                ("check", "#role-author"),
            ),
            "main > *, .crumbs",
        ),
        Shot("guide/images/comptes", CHIEF, "", (("click", button("Envoyer l’invitation")),)),
        Shot("guide/images/pages-publiques", CHIEF, "/administration/statements", crop="main > *, .crumbs"),
        Shot(
            "", AUTHOR, "/notes/drafts/new?network=WBE", a_note("Le bilan d’octobre, réseau par réseau", "2026-10-31")
        ),
        Shot(
            "guide/images/note-preparer",
            AUTHOR,
            "/notes/drafts/new?network=WBE",
            (
                UNFOLDED,
                ("fill", "#title", "Les écoles de WBE et le premier volet"),
                ("fill", "#question", "Toutes les écoles de WBE ont-elles adhéré ?"),
                ("fill", "#hand_figures-0-label", "Connexions à la plateforme"),
                ("fill", "#hand_figures-0-value", "près de 100 000"),
                ("fill", "#hand_figures-0-source", "Statistiques de la plateforme"),
                ("fill", "#hand_figures-0-dated", "2026-11-16"),
            ),
            "main > h1, .crumbs, :is(.ds-field:has(#title, #question), #networks)",
        ),
        Shot("guide/images/note-brouillon", AUTHOR, "", (("click", PREVIEW),), f"{A_NOTE}, main > .panel"),
        Shot("", AUTHOR, "", (("click", button("Figer la note")),)),
        Shot("", APPROVER, "/notes/1", (("fill", "#approved_as", "Direction du service"),)),
        Shot("guide/images/note-figee", APPROVER, "", crop="main > .panel"),
        Shot("guide/images/note-validee", APPROVER, "", (("click", button("Valider et numéroter")),), A_NOTE),
        Shot("", AUTHOR, "/notes/drafts/new", a_note("La rentrée, tous réseaux", "2026-09-30")),
        Shot("", AUTHOR, "", (("click", button("Figer la note")),)),
        Shot("guide/images/notes", AUTHOR, "/notes", crop="main > *"),
    ),
    LAST_MINUTE: (
        Shot(
            "guide/images/derniere-minute",
            AUTHOR,
            "/campaigns/7/progress",
            crop="main > .crumbs, main > .heading, #actions",
        ),
        Shot(
            "guide/images/suivi",
            AUTHOR,
            "",
            (("wait_for", '#status:has-text("sont remis")'),),
        ),
    ),
}

# The question of 2021 in a demonstration of its own, and what its last click downloads.
QUESTION_AT = "2021-05-17 10:00"
QUESTION_NOTE = DOCS / "guide" / "la-question-de-2021.pdf"
QUESTION = (
    Shot(
        "guide/images/question-reponse",
        AUTHOR,
        "/",
        (("click", 'a:has-text("La réponse entière")'), ("click", 'a:has-text("WBE"):has-text("Répondre pour")')),
        "#answers",
    ),
    Shot("", AUTHOR, "", (("click", 'a:has-text("Préparer une note")'),)),
    Shot(
        "guide/images/question-apercu",
        AUTHOR,
        "",
        (
            UNFOLDED,
            ("fill", "#title", "Un premier bilan"),
            ("fill", "#question", "Toutes les écoles de WBE ont-elles adhéré ? À défaut, qu’est-il prévu ?"),
            ("fill", "#hand_figures-0-label", "Connexions à la plateforme"),
            ("fill", "#hand_figures-0-value", "près de 100 000"),
            ("fill", "#hand_figures-0-source", "Statistiques de la plateforme"),
            ("fill", "#hand_figures-0-dated", "2021-05-10"),
            ("click", PREVIEW),
        ),
        A_NOTE,
    ),
    Shot("", AUTHOR, "", (("click", button("Figer la note")),)),
    Shot("", APPROVER, "/notes/1", (("click", button("Valider et numéroter")),)),
)

NOTE = "guide/images/note"  # the first page of that file


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        data = pathlib.Path(scratch)
        (data / "demo-password").write_text(PASSWORD, encoding="ascii")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--font-render-hinting=none"],  # letters stand as far apart with and without a window
            env={**os.environ, "LANGUAGE": "fr"},
        )
        pages: dict[str, Page] = {}
        for moment, shots in ACTS.items():
            with demonstration(data, moment):
                take_all(browser, pages, shots)
        take_question(browser)
        browser.close()
    take_note()
    report()


@contextmanager
def demonstration(data: pathlib.Path, moment: str) -> Iterator[None]:
    """Run `./run` on a data folder, with its clock set, while the block runs."""
    environment = environment_of(data)
    served = subprocess.Popen([ROOT / "run", "--now", moment], env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(served)
        if moment == LAST_MINUTE:
            threading.Thread(target=hold_the_relay, args=(served.pid, data), daemon=True).start()
        yield
    finally:
        for process in below(served.pid):
            os.kill(process, signal.SIGCONT)
        served.terminate()
        served.wait()


def hold_the_relay(served: int, data: pathlib.Path) -> None:
    """Stop the demonstration's mailbox once it has taken some letters, so that a picture shows a sending under way."""
    box = data / "mailbox" / "new"
    before = len(list(box.iterdir()))
    while len(list(box.iterdir())) < before + HELD_AFTER:
        time.sleep(0.001)
    for process in below(served):
        if b"mailbox" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
            os.kill(process, signal.SIGSTOP)


def below(process: int) -> list[int]:
    """The processes that a process started, and those that these started."""
    written = [path.read_text() for path in pathlib.Path("/proc").glob(f"{process}/task/*/children")]
    children = [int(number) for text in written for number in text.split()]
    return [number for child in children for number in (child, *below(child))]


def environment_of(data: pathlib.Path) -> dict[str, str]:
    settings = {
        "OUTREACH_DATA": data,
        "OUTREACH_BIND": WEB,
        "OUTREACH_DEMO_MAILBOX": MAILBOX,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OUTREACH_")}
    return environment | {name: str(value) for name, value in settings.items()}


def wait_for_answer(served: subprocess.Popen[bytes]) -> None:
    while served.poll() is None:
        try:
            urllib.request.urlopen(f"http://{WEB}/sign-in", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit(f"./run ended with {served.returncode}")


def entered(browser: Browser, account: str) -> Page:
    """A new window, signed in as an account, or not signed in for ''."""
    page = browser.new_page(
        base_url=f"http://{WEB}", locale="fr-BE", reduced_motion="reduce", viewport={"width": 1280, "height": 800}
    )
    page.set_default_timeout(120_000)  # a sending begins a minute after its page was opened
    if account:
        page.goto("/sign-in")
        page.get_by_label("Adresse de courriel").fill(account)
        page.get_by_label("Mot de passe").fill(PASSWORD)
        page.get_by_role("button", name="Se connecter").click()
        page.locator(".me").wait_for()  # authors and approvers are led to another page than readers
    return page


def take(page: Page, shot: Shot) -> None:
    page.set_viewport_size({"width": shot.width, "height": 800})
    if shot.address:
        page.goto(shot.address)
    for verb, selector, *values in shot.steps:
        with arriving(page):
            getattr(page.locator(selector).first, verb)(*values)
    page.wait_for_load_state("networkidle")
    if not shot.picture:
        return
    page.evaluate("document.fonts.ready.then(() => scrollTo(0, 0))")
    # A button that stays in view would cover a field in the middle of a page taken whole.
    page.evaluate("document.querySelectorAll('.send').forEach(one => { one.style.position = 'static' })")
    keep(shot.picture, page.screenshot(full_page=bool(shot.crop), clip=box_of(page, shot.crop) if shot.crop else None))


@contextmanager
def arriving(page: Page) -> Iterator[None]:
    """Wait, after a step, for the page that it leads to, where it leads to one: a click does not wait for it."""
    asked, came = list[Request](), list[Frame]()
    watched = {"request": lambda one: asked.append(one), "framenavigated": lambda one: came.append(one)}  # noqa: PLW0108
    for event, hear in watched.items():
        page.on(event, hear)  # it takes functions that bear attributes, and no method of a list
    yield
    page.wait_for_timeout(SETTLED_MS)
    while any(one.is_navigation_request() and one.frame == page.main_frame for one in asked) and not came:
        page.wait_for_timeout(SETTLED_MS)
    page.wait_for_load_state("networkidle")
    for event, hear in watched.items():
        page.remove_listener(event, hear)


def take_all(browser: Browser, pages: dict[str, Page], shots: Iterable[Shot]) -> None:
    """Take these pictures in order; `pages` keeps the window of each account."""
    for shot in shots:
        page = pages.get(shot.account) or pages.setdefault(shot.account, entered(browser, shot.account))
        take(page, shot)


def take_question(browser: Browser) -> None:
    """The clicks of the guide's page on the question of 2021, and the file that the last one downloads."""
    with tempfile.TemporaryDirectory() as scratch:
        data, pages = pathlib.Path(scratch), dict[str, Page]()
        (data / "demo-password").write_text(PASSWORD, encoding="ascii")
        with demonstration(data, QUESTION_AT):
            take_all(browser, pages, QUESTION)
            QUESTION_NOTE.write_bytes(pages[APPROVER].request.get("/notes/1/note.pdf").body())


def take_note() -> None:
    """The first page of the note on the question."""
    drawn = ["pdftoppm", "-png", "-r", "100", "-f", "1", "-l", "1", QUESTION_NOTE]
    keep(NOTE, subprocess.run(drawn, stdout=subprocess.PIPE, check=True).stdout)


def keep(picture: str, png: bytes) -> None:
    path = DOCS / f"{picture}.png"
    path.parent.mkdir(exist_ok=True)
    shrink = ["pngquant", "64", "--speed=1", "--strip", "--force", f"--output={path}", "-"]
    subprocess.run(shrink, input=png, check=True)


def box_of(page: Page, selector: str) -> dict[str, float]:
    """The rectangle around all visible elements of a selector, with a margin."""
    boxes = [box for element in page.locator(selector).all() if (box := element.bounding_box())]
    left = min(box["x"] for box in boxes) - MARGIN
    top = min(box["y"] for box in boxes) - MARGIN
    right = max(box["x"] + box["width"] for box in boxes) + MARGIN
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    return {"x": max(0, left), "y": max(0, top), "width": right - max(0, left), "height": bottom - max(0, top)}


def report() -> None:
    taken = {DOCS / f"{shot.picture}.png" for shots in (*ACTS.values(), QUESTION) for shot in shots if shot.picture}
    taken.add(DOCS / f"{NOTE}.png")
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    shown = {
        (page.parent / target).resolve()
        for page in pages
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    for path in sorted({*DOCS.rglob("*.png"), *taken}):
        if path not in shown:
            print(f"{path.relative_to(ROOT)}: no page shows it")
        if path not in taken:
            print(f"{path.relative_to(ROOT)}: not taken by this script")
        elif path.stat().st_size > MOST_BYTES:
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB, too big")


if __name__ == "__main__":
    main()
