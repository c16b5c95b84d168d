"""Looks at what carries letters: the relays, and the mailbox that undelivered ones come back to."""

from outreach.core.text import french
from outreach.delivery import bounces, received
from outreach.delivery.smtp import Relay, open_conversation
from outreach.operations.demo import mailbox
from outreach.operations.health._check import Examined, Finding, HealthState, fault, ok, warning, worst

RELAY_SECONDS = 10.0
LEAST_SIZE = 1_000_000  # octets; a letter has a tenth of that
MOST_RETURNS = 2_000  # that the clock reads each minute


def relay(examined: Examined) -> Finding:
    """Whether each relay answers, encrypts, takes our password, and letters of our size; nothing is handed over."""
    settings = examined.settings
    if settings.stays_here:
        place = mailbox.place_of(mailbox.folder_of(settings.data), settings.demo_mailbox)
        settings = settings.model_copy(update={"demo_mailbox": place})
    relays = [Relay.at(url, settings.sending_domain) for url in settings.relays]
    found = [_relay(one, RELAY_SECONDS / len(relays)) for one in relays]
    gravest = worst(found)
    if gravest.state is HealthState.FAULT and any(finding.state is not HealthState.FAULT for finding in found):
        return warning(f"{gravest.in_words} Un autre serveur d’envoi sert en attendant.")
    return gravest


def _relay(one: Relay, seconds: float) -> Finding:
    talk = open_conversation(one, seconds)
    if talk.failure is not None:
        return fault(
            f"{one.name} : {talk.failure.text}. Corrigez OUTREACH_SMTP_URL, ou demandez de l’aide à ses gestionnaires."
        )
    way = "chiffré" if talk.is_encrypted else "sans chiffrement"
    who = "identifié" if one.user else "sans identification"
    most = talk.most_bytes
    limit = "sans limite de taille dite" if most is None else f"courriels de {french.size(most)} au plus"
    sentence = f"{one.name} répond, {way}, {who}, {limit}."
    if not (talk.is_encrypted or one.is_near):
        return warning(f"{sentence} Ce qui passe se lit en chemin : retirez starttls=off, sauf sur un réseau à vous.")
    if most is not None and most < LEAST_SIZE:
        return warning(f"{sentence} Demandez à la personne qui tient ce serveur d’en accepter d’un mégaoctet.")
    return ok(sentence)


def returns(examined: Examined) -> Finding:
    """Whether the mailbox of returns can be read, and how many messages wait there."""
    settings = examined.settings
    own = None if settings.bounces_url else bounces.maildir_of(settings.returns_url)
    if own is not None and not own.exists():
        return ok("Sans objet : la boîte de démonstration n’a pas encore servi.")
    if not settings.returns_url:
        return warning("Aucune boîte des retours : nommez-la dans OUTREACH_BOUNCES_URL, sans quoi nul rejet n’est lu.")
    return _mailbox(settings.returns_url, "des retours", "OUTREACH_BOUNCES_URL")


def replies(examined: Examined) -> Finding:
    """Whether the mailbox of replies can be read, how many messages wait there, and which senders are believed."""
    settings = examined.settings
    if not settings.replies_url:
        return ok("Aucune : les courriels en réponse vont à la personne de contact, et ne sont pas lus ici.")
    found = _mailbox(settings.replies_url.partition("?")[0], received.REPLIES, "OUTREACH_REPLIES_URL")
    if settings.proving_server or found.state is not HealthState.OK:
        return found
    return ok(f"{found.in_words} Sans proven-by, nul expéditeur n’est cru : seul un courriel rattache une réponse.")


def _mailbox(url: str, called: str, setting: str) -> Finding:
    try:
        with bounces.open_box(url, called) as box:
            waiting = len(box.keys(MOST_RETURNS))
    except bounces.BoxError as error:
        return fault(f"{error} Vérifiez son serveur et {setting}.")
    sentence = f"Elle se lit ; {french.plural(waiting, 'message attend', 'messages attendent')}."
    full = f"{sentence} Plus qu’un passage n’en traite : vérifiez que ./run work tourne."
    return warning(full) if waiting >= MOST_RETURNS else ok(sentence)
