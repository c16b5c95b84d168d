"""What pages and mails say of an alert, in French: no address, no name, no token."""

from collections.abc import Sequence
from typing import NamedTuple

from outreach.alerts import sightings
from outreach.alerts.models import AlertEpisode, AlertKind
from outreach.campaigns.models import Wave
from outreach.db import Session
from outreach.delivery import workers
from outreach.delivery.places import Worker
from outreach.french import moment


class AlertWords(NamedTuple):
    """What is so, what can be done, and what is so once it is over."""

    so: str
    advice: str
    over: str


WORDS = {
    AlertKind.DISK_FULL: AlertWords(
        "Le disque du service est plein, ou presque.",
        "Libérez de la place : sinon rien ne s’enregistre, et rien ne part.",
        "Le disque a de nouveau de la place.",
    ),
    AlertKind.COPY_UNCONFIRMED: AlertWords(
        "La base a été copiée, déplacée ou restaurée, et personne n’a confirmé cette installation : rien ne part.",
        "Si c’est bien elle qui doit envoyer, lancez ./run instance confirm.",
        "Cette installation est confirmée.",
    ),
    AlertKind.CLOCK_SILENT: AlertWords(
        "Le service d’envoi ne donne plus signe : rien ne part.",
        "Relancez le processus d’envoi (./run work).",
        "Le service d’envoi donne de nouveau signe.",
    ),
    AlertKind.RETURNS_UNREADABLE: AlertWords(
        "La boîte des retours ne se lit pas : rejets et désinscriptions par courriel attendent.",
        "Vérifiez son serveur et le réglage OUTREACH_BOUNCES_URL.",
        "La boîte des retours se lit de nouveau.",
    ),
    AlertKind.WORKER_GONE: AlertWords(
        "Un processus d’envoi ne donne plus signe ; les autres continuent.",
        "Relancez-le s’il ne revient pas.",
        "Il est revenu, un autre le remplace, ou le service s’en passe depuis un jour.",
    ),
    AlertKind.PUSH_GIVEN_UP: AlertWords(
        "Un programme ne reçoit plus les évènements du service depuis trois jours : plus rien ne lui est envoyé.",
        "Voyez avec la personne qui le gère, puis réessayez ou mettez-y fin : Administration, « Évènements poussés ».",
        "Ce programme reçoit de nouveau les évènements, ou plus rien ne lui est envoyé.",
    ),
    AlertKind.CODES_GUESSED: AlertWords(
        "Plus de 500 codes faux ont été essayés en une heure sur la page des lettres sur papier.",
        "Cette page demande aussi le numéro FASE : personne n’est bloqué. Si cela dure, le journal du serveur web dit "
        "de quels réseaux cela vient.",
        "La page des lettres sur papier ne demande plus que le code.",
    ),
    AlertKind.RESTORE_UNPROVEN: AlertWords(
        "Aucune sauvegarde de moins de deux jours n’a été restaurée et vérifiée avec succès.",
        "Lancez ./run backup, puis ./run rehearse, qui dit ce qui ne va pas.",
        "Une sauvegarde récente a été restaurée et vérifiée.",
    ),
}

OF_AN_INSTALLATION = {  # the subject of these is its place
    AlertKind.DISK_FULL,
    AlertKind.COPY_UNCONFIRMED,
    AlertKind.RETURNS_UNREADABLE,
    AlertKind.RESTORE_UNPROVEN,
}
ON_PAGES = {AlertKind.WAVE_PAUSED, AlertKind.PUSH_GIVEN_UP}  # what they ask is done on pages of the service
ABOUT_WAVES = {AlertKind.WAVE_PAUSED, AlertKind.LETTERS_IN_DOUBT}  # the subject of these is a wave's key


def words_of(session: Session, kind: AlertKind, subject: str, relays: Sequence[str]) -> AlertWords:
    """The words for an alert of this kind about this subject. `relays` are the relays' names, in order."""
    if kind is AlertKind.RELAY_LOST:
        return _of_relay(subject, relays, _where(session, sightings.places_without(session, subject)))
    if kind not in ABOUT_WAVES:
        return WORDS[kind]._replace(so=f"{_where(session, [_place(session, kind, subject)])}{WORDS[kind].so}")
    wave = session.get(Wave, int(subject))
    of_campaign = f"de la campagne n° {wave.campaign_id}" if wave else "d’une campagne"
    if kind is AlertKind.LETTERS_IN_DOUBT:
        return AlertWords(
            f"Des courriels {of_campaign} sont en doute : le serveur d’envoi n’a pas dit s’il les a pris.",
            "Faites-les chercher dans le journal du serveur d’envoi, puis renvoyez-les ou laissez-les.",
            f"Plus aucun courriel {of_campaign} n’est en doute depuis moins de sept jours.",
        )
    what = f"La {wave.name} {of_campaign}" if wave else f"Une vague {of_campaign}"
    advice = "La page de la campagne dit pourquoi : reprenez la vague, ou annulez ce qui n’est pas parti."
    return AlertWords(f"{what} s’est mise en pause d’elle-même.", advice, f"{what} n’est plus en pause.")


def told(episode: AlertEpisode, words: AlertWords) -> str:
    """An episode in one paragraph: since when, or from when to when."""
    if episode.ended_at is None:
        return f"Depuis le {moment(episode.began_at)} : {words.so} {words.advice}"
    period = f"Du {moment(episode.began_at)} au {moment(episode.ended_at)}"
    return f"{period} : {words.so} Fin de l’alerte : {words.over}"


def call_for(kind: AlertKind, to: Sequence[str]) -> str:
    """Whom somebody calls who has no hand on the machine, after a paragraph; '' where pages suffice.

    `to` are the addresses to which alerts are mailed: those who run the service read them.
    """
    if kind in ON_PAGES:
        return ""
    named = f" : {', '.join(to)}" if to else ""
    return f" Ce n’est pas de votre ressort ? Prévenez la personne qui exploite le service{named}."


def _place(session: Session, kind: AlertKind, subject: str) -> str:
    """The installation or the machine that an alert is about; '' where it is about none."""
    if kind is AlertKind.WORKER_GONE:
        worker = session.get(Worker, subject)
        return worker.place.rpartition(":")[0] if worker else ""
    return subject if kind in OF_AN_INSTALLATION else ""


def _where(session: Session, places: Sequence[str]) -> str:
    """The places, to begin a sentence with; '' for none, and where there is one installation only."""
    named = [place for place in places if place]
    return f"Sur {', '.join(named)} : " if named and len(workers.last_passes(session)) > 1 else ""


def _of_relay(name: str, relays: Sequence[str], where: str) -> AlertWords:
    number = f" n° {relays.index(name) + 1}" if name in relays and len(relays) > 1 else ""
    return AlertWords(
        f"{where}Le serveur d’envoi{number} ne prend plus de courriels.",
        "Ils attendent et sont essayés de nouveau. Vérifiez le serveur d’envoi et le réglage OUTREACH_SMTP_URL.",
        f"Le serveur d’envoi{number} prend de nouveau les courriels.",
    )
