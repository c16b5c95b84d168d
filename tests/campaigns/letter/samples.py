"""Every kind of mail the service writes, compiled and filled without a database, for tests of how mails look.

Recipients are hard on a layout: the longest names, many schools, one school, words that look like markup.
"""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

from outreach.access.accounts import LinkKind
from outreach.adherence.models import Status, Strand
from outreach.campaigns.letter import Alike, Facts, SenderIdentity, WrittenLetter, compile_snapshot, freeze_letter
from outreach.campaigns.letter._links import Links, Measure
from outreach.campaigns.planning import _definitions as definitions
from outreach.campaigns.waves import _receipts as receipts
from outreach.core.settings import ROOT
from outreach.core.text.roles import RoleName
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import MessageClass
from outreach.directory.models import School
from outreach.engagement.replies import Answer
from outreach.engagement.tracking import TrackingMode
from outreach.operations.health import _watch as watch
from outreach.staff import notifications
from tests.campaigns.conftest import DEADLINE
from tests.conftest import NOW

KEYS = Keys((b"k" * 32,))
SENDING = SenderIdentity(
    "courriel.example", "https://sensibilisation.example", KEYS, official_page="https://enseignement.example/numerique"
)
IDENTITY = bytes.fromhex("0123456789abcdef")
LONG = "Institut d’enseignement secondaire spécialisé Saint-Joseph-Notre-Dame-de-la-Consolation « Les <Tilleuls> »"
STATUSES = list(Status)
EVERYTHING = """# Un titre

Madame, Monsieur, voici **en gras**, *en italique* et [un lien](https://programme.example/volet-1?a=1&b=2).

## Un titre plus petit

- une première chose
- une seconde, de ((nom_po))

1. d’abord
2. ensuite

### Un petit titre

> Ce que vous nous écriviez, et ((lien_réponse)).
>
> > et avant cela.

* * *

#### Le plus petit

((tableau_écoles))

((liste_écoles))

((boutons_réponse))

((bloc_fédération))
"""
RECIPIENTS = {
    "une école": (1, "Commune d’Ans"),
    "trois écoles": (3, "ASBL « L’Étoile » & <Cie> ((fase_po))"),
    "147 écoles": (147, f"Pouvoir organisateur du {LONG}"),
}


def ready_made():
    """The names of the ready-made campaigns."""
    return sorted(path.stem for path in (ROOT / "campaigns").glob("*.md"))


def mails():
    """What makes the HTML of each mail, by its name. To make all of them takes as long as to import the program."""
    makers = {
        f"{name}, {case}": partial(_invitation, name, schools, authority)
        for name in ready_made()
        for case, (schools, authority) in RECIPIENTS.items()
    }
    makers["accusé de réception"] = _receipt
    makers["copie d’accusé"] = _copy
    makers["réponse"] = lambda: html(plainly("Re: À répondre", EVERYTHING), facts(3, LONG))
    makers["nouvelles"] = _news
    makers["alerte"] = _alert
    return makers | {f"compte, {kind.value}": partial(_of_account, kind) for kind in LinkKind}


@cache
def mail(name):
    """The HTML of a mail."""
    return mails()[name]()


def every_mail():
    """The HTML of each mail."""
    return [mail(name) for name in mails()]


def _invitation(name, schools, authority):
    return html(written(name), facts(schools, authority), is_reminder=schools > 1)


def _receipt():
    said = receipts.letter(receipt(), SimpleNamespace(public_id=IDENTITY.hex()), SENDING)
    return html(plainly(receipts.SUBJECT, said), facts(3, LONG))


def _copy():
    letter = plainly(receipts.COPY_SUBJECT, receipts.copy(receipt()))
    return html(replace(letter, is_copy=True), facts(3, LONG))


def _news():
    news = [notifications.Said("La première vague de « Invitation » est partie : 247 envoyés.", "/campaigns/1")] * 2
    told = notifications.StaffLetter(
        ["nadia@fwb.example"], "Nouvelles", news, "Nadia Lambert", "service@fwb.example", may_be_fewer=True
    )
    return notifications.write_mail(told, SENDING, now=NOW).draft.html


def _alert():
    alert = watch.letter_about([], "Le relais ne répond plus", ["Depuis 10 h.", "Rien ne part."])
    return notifications.write_mail(alert, SENDING, now=NOW).draft.html


def _of_account(kind):
    holder = notifications.AccountHolder("marc@fwb.example", "Marc Dethier", (RoleName.AUTHOR, RoleName.APPROVER))
    made = notifications.write_account_mail(
        kind, SENDING, holder, contact="service@fwb.example", now=NOW, by="Hugo Willems"
    )
    return made.frozen.draft.html


def written(name):
    """The letter of a ready-made campaign, with everything that a footer may say."""
    stated = definitions.read((ROOT / "campaigns" / f"{name}.md").read_text(encoding="utf-8"))
    return WrittenLetter(
        campaign_id=1,
        message_class=stated.message_class,
        strand_id=None,
        concerns=stated.concerns,
        boxes=stated.boxes,
        subject=stated.subject,
        preheader=stated.preheader,
        letter=stated.letter,
        tracking=TrackingMode.AGGREGATE,
        circular=stated.circular or "7831",
        circular_url="https://www.gallilex.cfwb.example/fr/circulaire_detail.php?numero_circulaire=007831",
        deadline_days=stated.deadline_days,
        sender_name=stated.sender.name,
        sender_address=stated.sender.address,
        contact_name="Nadia Lambert",
        contact_service="Direction générale du Service du numérique éducatif",
        contact_email="nadia.lambert.numerique-educatif@fwb.example",
        contact_phone="02 690 81 23",
    )


def plainly(subject, letter):
    """A letter that no campaign's author writes: statutory, and measured by nothing."""
    statutory = {"message_class": MessageClass.STATUTORY, "tracking": TrackingMode.NONE, "preheader": ""}
    return replace(written(ready_made()[0]), subject=subject, letter=letter, **statutory)


def receipt():
    """The receipt of two answers: for more schools than it names, and for none."""
    schools = [School(fase=80000 + place, name=LONG if place % 3 == 0 else f"École {place}") for place in range(12)]
    lines = [receipts.ReceiptLine(Answer.JOINED, schools), receipts.ReceiptLine(Answer.HELP, [])]
    return receipts.Receipt("R-7", NOW, Strand(number=1), lines, "", NOW.date(), 5, is_posted=True)


def facts(schools, authority):
    """What fills a letter to this authority about so many schools."""
    token = KEYS.make(TokenKind.OPEN, IDENTITY)
    measure = Measure(TrackingMode.AGGREGATE.mention, f"{SENDING.address}/o/{token}.gif")
    links = Links.of(SENDING.address, KEYS, IDENTITY, measure, may_unsubscribe=True)
    listed = [
        (80000 + place, LONG if place % 3 == 0 else f"École {place}", STATUSES[place % len(STATUSES)])
        for place in range(schools)
    ]
    bodies = [("SeGEC", "Secrétariat général de l’enseignement catholique"), ("CPEONS", "Conseil des pouvoirs")]
    shared = freeze_letter(written(ready_made()[0]), SENDING, DEADLINE, is_reminder=False).shared
    return Facts(9357, authority, "Libre confessionnel", "Ans", listed, schools, schools, bodies, links, shared)


def html(letter, given, *, is_reminder=False):
    """The HTML of a letter as its recipient's program reads it."""
    frozen = freeze_letter(letter, SENDING, DEADLINE, is_reminder=is_reminder)
    made = compile_snapshot(frozen.draft)
    content = Alike(made).content(given._replace(shared=frozen.shared))
    return made.html_for(content.values, content.flags)


def keep(folder: Path):
    """Write each mail to a file of the folder."""
    for name, said in mails().items():
        (folder / f"{name}.html").write_text(said, encoding="utf-8")
