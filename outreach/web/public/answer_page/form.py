"""The form of the answer page: what it holds, who answers, and whether a person sent it."""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, pairwise

from flask import request
from werkzeug.datastructures import MultiDict

from outreach.access import accounts
from outreach.adherence.models import Status
from outreach.adherence.records import Standing
from outreach.adherence.situation import Bucket
from outreach.adherence.statuses import Meaning
from outreach.campaigns import channels, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.core.db import Session
from outreach.core.text.addresses import Judgement
from outreach.core.text.errors import InputError
from outreach.core.text.typed import CONTROLS, line_of_words, whole_number
from outreach.delivery import letters, outbox
from outreach.delivery.letters import FormKind, Keys, Token, hide_tokens
from outreach.delivery.models import Message
from outreach.directory.models import School
from outreach.engagement import replies, tracking
from outreach.engagement.replies import (
    LONGEST_NAME,
    OF_SCHOOLS,
    REQUESTS,
    Answer,
    Earlier,
    FormVerdict,
    Given,
    Question,
    ReceivedForm,
    Response,
    SentForm,
    WithdrawalReason,
)
from outreach.staff import asked_addresses, proposals
from outreach.web.ui.fields import posted
from outreach.web.ui.request import client_of, judged, now, settings

LEFT = "gone"  # in the place of a school's answer: the school is theirs no longer
MANY = 10  # up to so many schools, each has a choice of its own; of more, several are ticked and answered together
LONGEST_COMMENT = 2000
LONGEST_NUMBERS, LONGEST_OWNER = 2000, 200
MOST_LISTED, MOST_RANGES = 2000, 500  # far more than an authority has: what a stranger sends costs little time
LONGEST_RANGES = 5 * MOST_LISTED  # characters of all ranges together: each place once, with its comma and space
RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
BOTH = (
    "Une réponse est aussi choisie plus haut pour vos {count} écoles. « Envoyer pour les écoles cochées » n’enregistre "
    "que celle des écoles cochées ; « Envoyer ma réponse » enregistre les deux."
)
NONE_TICKED = "Cochez les écoles dont c’est la réponse, ou répondez pour toutes par « Envoyer ma réponse »."
NONE_WAITS = "Aucune de vos écoles n’attend de réponse : seule une demande au service peut être envoyée."
GONE = "Une de ces écoles n’attend plus de réponse : rechargez la page."


class FieldFault(InputError):
    """A field of the form cannot be taken: the id of the field, and a sentence."""

    def __init__(self, place: str, sentence: str) -> None:
        self.place = place
        super().__init__(sentence)


class BothChosen(FieldFault):
    """The button for the schools ticked was pressed while another answer is chosen for all: asked once."""


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What the form holds, as it was typed or as it opens.

    `answer` is for all schools (the value of an Answer, or ''), `own` for single ones (by FASE number), `other` for
    those ticked; both may be LEFT, `gone_to` is whose such a school is now. `picks` are FASE numbers; `ranges` and
    `numbers` name places in the list as it was shown, `listed` (FASE numbers). `zone` and `status` say which schools
    are shown ('' = all). `is_for_ticked`: the button for the schools ticked was pressed; `is_told`: the page said
    before what that leaves out.
    """

    answer: str = ""
    comment: str = ""
    proposed: str = ""
    own: Mapping[int, str] = field(default_factory=dict)
    other: str = ""
    gone_to: str = ""
    picks: frozenset[int] = frozenset()
    ranges: Sequence[str] = ()
    numbers: str = ""
    listed: Sequence[int] = ()
    zone: str = ""
    status: str = ""
    is_for_ticked: bool = False
    is_told: bool = False

    @classmethod
    def of(cls, form: MultiDict[str, str]) -> "AnswerForm":
        """What was typed."""
        own = {whole_number(name.removeprefix("school-")): form[name] for name in form if name.startswith("school-")}
        return cls(
            form.get("answer", ""),
            form.get("comment", "").strip(),
            form.get("proposed", "").strip(),
            {fase: chosen for fase, chosen in own.items() if fase is not None},
            form.get("other", ""),
            form.get("gone_to", "").strip(),
            frozenset(_numbers(form.getlist("pick"))),
            tuple(form.getlist("range")[:MOST_RANGES]),
            form.get("numbers", "").strip(),
            tuple(_numbers(form.get("listed", "").split()[:MOST_LISTED])),
            form.get("zone", ""),
            form.get("status", ""),
            "ticked" in form,
            "told" in form,
        )

    @classmethod
    def opened(cls, before: Earlier, choice: str, shown: Mapping[str, str]) -> "AnswerForm":
        """The form as it opens: nothing is chosen, not even what was answered before, which the page tells.

        Who presses its button without a choice sends nothing. The words of the last answer stand there to be changed,
        unless a link names another one (`choice`).
        """
        kept = cls(zone=shown.get("zone", ""), status=shown.get("status", ""))
        if not before.last or (choice and choice not in [said.answer for said in before.last]):
            return kept
        proposed = before.request.proposed_address if before.request else ""
        return replace(kept, comment=before.last[0].comment, proposed=proposed)

    def unsent(self, asked: Question, before: Earlier) -> Answer | None:
        """The answer for all that is chosen and still to be sent; None where it is what was answered last."""
        chosen = _answer(self.answer)
        return chosen if chosen in offered(asked) and chosen is not _last_answer(asked, before) else None

    @property
    def is_by_school(self) -> bool:
        """Whether something was chosen or ticked for some schools."""
        return bool(any(self.own.values()) or self.other or self.picks or self.ranges or self.numbers)

    def ticked(self) -> set[int]:
        """The FASE numbers of the schools that were ticked or numbered. Raises FieldFault."""
        if len(self.numbers) > LONGEST_NUMBERS:
            raise FieldFault("numbers", f"Les numéros dépassent {LONGEST_NUMBERS} caractères : cochez plutôt.")
        if sum(map(len, self.ranges)) > LONGEST_RANGES:
            raise FieldFault("numbers", GONE)
        places = {place for text in (self.numbers, *self.ranges) for place in _places(text, len(self.listed))}
        return {*self.picks, *(self.listed[place - 1] for place in places)}

    def settled(self) -> "AnswerForm":
        """The form with every school that was numbered ticked instead, so that it can be unticked.

        Numbers that cannot be read stay as they were typed.
        """
        for kept in ("", self.numbers):
            with suppress(FieldFault):
                ticked = frozenset(replace(self, numbers=self.numbers if not kept else "").ticked())
                return replace(self, picks=ticked, ranges=(), numbers=kept)
        return self

    def sent(self, asked: Question, before: Earlier) -> Given:
        """What the button that was pressed sends, without what was answered before and still stands.

        Raises FieldFault as `given`, and BothChosen where the button for the schools ticked leaves an answer out.
        """
        whole = replies.changed_answers(asked, self.given(asked), before)
        if not self.is_for_ticked or _of_school(self.answer) is None:
            return whole
        if not self.ticked():
            raise FieldFault("numbers", NONE_TICKED)
        ticked = replies.changed_answers(asked, replace(self, answer="").given(asked), before)
        if whole.answers.keys() != ticked.answers.keys() and not self.is_told:
            raise BothChosen("other", BOTH.format(count=len(asked.open())))
        return ticked

    def given(self, asked: Question) -> Given:
        """What the form answers, for all and for some. Raises FieldFault where a field cannot be taken."""
        for_all = _answer(self.answer)
        mine = {school.fase: school.id for school in asked.open()}
        chosen = {fase: said for fase, own in self.own.items() if fase in mine and (said := _of_school(own))}
        ticked, other = self.ticked(), _of_school(self.other)
        gone = {fase for fase in mine if self.own.get(fase) == LEFT or (fase in ticked and self.other == LEFT)}
        if ticked and other is None and self.other != LEFT:
            raise FieldFault("other", "Choisissez la réponse des écoles cochées.")
        if self.other and not ticked:
            raise FieldFault(
                "numbers", "Cochez les écoles auxquelles cette réponse est destinée, ou tapez leurs numéros."
            )
        if not ticked <= mine.keys():
            raise FieldFault("numbers", GONE)
        wanted = for_all if for_all in REQUESTS else None
        by_school = dict.fromkeys(mine, for_all) if for_all and not wanted else {}
        by_school |= chosen | (dict.fromkeys(ticked, other) if other else {})
        by_school = {fase: said for fase, said in by_school.items() if fase not in gone}
        if not mine and wanted is None:
            raise FieldFault("answer", NONE_WAITS)
        if not by_school and wanted is None and not gone:
            raise FieldFault("answer", "Choisissez une réponse.")
        named = {mine[fase]: said for fase, said in by_school.items()}
        proposed = self._proposed() if wanted and wanted.is_wrong_mailbox else ""
        given = Given(named, wanted, comment_of(self.comment), proposed)
        return replace(given, gone=frozenset(mine[fase] for fase in gone), gone_to=self._gone_to() if gone else "")

    def _gone_to(self) -> str:
        try:
            words = hide_tokens(line_of_words(self.gone_to))
        except InputError as error:
            raise FieldFault("gone_to", str(error)) from None
        if len(words) > LONGEST_OWNER:
            raise FieldFault("gone_to", f"Dites-le en {LONGEST_OWNER} caractères au plus.")
        return words

    def _proposed(self) -> str:
        try:
            return judged(self.proposed).address if self.proposed else ""
        except InputError as error:
            raise FieldFault("proposed", str(error)) from None


@dataclass(frozen=True, slots=True)
class RecordedGroup:
    """The schools of which one status is recorded that an answer for all would replace; the status names the answer."""

    status: Status
    schools: Sequence[School]

    @property
    def label(self) -> str:
        """What is recorded, in French. A joining that may still be answered about is one that was only declared."""
        return Bucket.DECLARED.label if self.status is Status.JOINED else self.status.label


def recorded(asked: Question, form: AnswerForm) -> list[RecordedGroup]:
    """What is recorded of the schools that the answer for all is for, by status; nothing of the others.

    Schools of which nothing is recorded, or that someone has read the letter, are in no group: an answer takes nothing
    back there.
    """
    of_their_own = form.picks | {fase for fase, chosen in form.own.items() if chosen}
    held: dict[Status, list[School]] = {}
    for school, at in asked.waiting():
        if at.status.facts.meaning is not Meaning.NONE and school.fase not in of_their_own:
            held.setdefault(at.status, []).append(school)
    return [RecordedGroup(status, held[status]) for status in sorted(held, key=lambda status: status.place)]


@dataclass(frozen=True, slots=True)
class PlacedSchool:
    """A school in the list: its place, where it stands, what was answered for it, whether it is ticked."""

    number: int
    school: School
    at: Standing
    answered: Answer | None
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class SchoolGroup:
    """The schools that are shown of one status and zone, and their places as a text such as "3-9, 12"."""

    status: Status
    zone: str
    schools: Sequence[PlacedSchool]
    places: str


@dataclass(frozen=True, slots=True)
class SchoolList:
    """Many schools, by status and zone: those that the filter leaves, and all that are ticked.

    `listed` is the order in which places are counted; `zones` and `statuses` are what the filter offers.
    """

    groups: Sequence[SchoolGroup]
    listed: Sequence[int]
    zones: Sequence[str]
    statuses: Sequence[Status]

    @classmethod
    def of(cls, asked: Question, before: Earlier, form: AnswerForm) -> "SchoolList":
        """The list of the schools asked about, as a settled form shows it."""
        waiting = sorted(asked.waiting(), key=_place_of)
        rows = [
            PlacedSchool(number, school, at, before.by_school.get(school.id), school.fase in form.picks)
            for number, (school, at) in enumerate(waiting, 1)
        ]
        shown = [row for row in rows if row.is_ticked or _is_asked_for(row, form)]
        groups = []
        for (status, zone), members in groupby(shown, lambda row: (row.at.status, row.school.zone)):
            held = list(members)
            groups.append(SchoolGroup(status, zone, held, places_of([row.number for row in held])))
        statuses = {at.status for _, at in waiting}
        return cls(
            groups,
            [school.fase for school, _ in waiting],
            sorted({school.zone for school, _ in waiting}),
            sorted(statuses, key=lambda status: status.place),
        )


def proposed(asked: Question, before: Earlier, choice: str) -> Answer | None:
    """The answer that a letter's link names, which a person still has to touch; None where it was answered last."""
    named = _answer(choice)
    return named if named in offered(asked) and named is not _last_answer(asked, before) else None


def offered(asked: Question) -> Sequence[Answer]:
    """The answers that the page offers for all schools: requests alone when no school waits for an answer."""
    return [*filter(asked.takes, Answer)] if asked.open() else REQUESTS


def place_of(fault: Exception | None, asked: Question) -> str:
    """The id of the field to mark for a fault, on the page about these schools."""
    place = fault.place if isinstance(fault, FieldFault) else "answer"
    has_list = len(asked.open()) > MANY
    is_shown = place != "answer" and (has_list or place not in ("numbers", "other"))
    return place if is_shown else f"answer-{offered(asked)[0]}"


def comment_of(text: str) -> str:
    """A comment as it was typed, without tokens of ours. Raises FieldFault."""
    comment = hide_tokens(text.strip())
    if len(comment) > LONGEST_COMMENT or CONTROLS.search(comment):
        raise FieldFault("comment", "Le commentaire dépasse 2 000 caractères, ou contient un caractère interdit.")
    return comment


def places_of(numbers: Sequence[int]) -> str:
    """Ascending numbers as a text, runs as ranges: "3-9, 12"."""
    ends = [index for index, (one, next_) in enumerate(pairwise(numbers), 1) if next_ != one + 1]
    runs = [numbers[start:end] for start, end in pairwise([0, *ends, len(numbers)])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs if run)


def _places(text: str, most: int) -> Iterable[int]:
    """The places that a text such as "3, 7, 12-15" names. Raises FieldFault."""
    words = " ".join(text.replace("–", "-").replace(",", " ").replace(";", " ").split())
    for part in words.replace(" -", "-").replace("- ", "-").split():
        found = RANGE.fullmatch(part)
        if found is None:
            raise FieldFault(
                "numbers", f"« {part[:20]} » n’est pas un numéro de la liste : tapez par exemple 3, 7, 12-15."
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= most:
            raise FieldFault("numbers", f"« {part} » n’est pas dans la liste, qui va de 1 à {most}.")
        yield from range(first, last + 1)


def _is_asked_for(row: PlacedSchool, form: AnswerForm) -> bool:
    return form.zone in ("", row.school.zone) and form.status in ("", row.at.status.value)


def _place_of(stands: tuple[School, Standing]) -> tuple[int, str, str, int]:
    school, at = stands
    return at.status.place, school.zone, school.folded, school.fase


def _numbers(texts: Iterable[str]) -> list[int]:
    return [number for text in texts if (number := whole_number(text)) is not None]


def _last_answer(asked: Question, before: Earlier) -> Answer | None:
    """What was asked of the service last, else the answer that was given for all schools, if it was the same."""
    return before.request.answer if before.request else _uniform(asked, before)


def _uniform(asked: Question, before: Earlier) -> Answer | None:
    given = {before.by_school.get(school.id) for school in asked.open()}
    return next(iter(given)) if len(given) == 1 else None


def _answer(text: str) -> Answer | None:
    return Answer(text) if text in set(Answer) else None


def _of_school(text: str) -> Answer | None:
    return Answer(text) if text in OF_SCHOOLS else None


NAME, FUNCTION, COPY = "name", "function", "copy_to"
LABELS = {NAME: "Votre nom", FUNCTION: "Votre fonction"}
ONCE = "Une copie de l’accusé est déjà partie pour ce courriel : laissez ce champ vide, ou transférez l’accusé reçu."
SAME_BOX = "Indiquez une autre adresse que celle qui a reçu le courriel, ou laissez ce champ vide."
MIXED = "Cette adresse mêle les lettres de plusieurs alphabets : indiquez-en une autre, ou laissez ce champ vide."
ROBOT = "Cette boîte est celle d’un automate, que personne ne lit : indiquez-en une autre, ou laissez ce champ vide."


@dataclass(frozen=True, slots=True)
class WhoAnswers:
    """The three fields as a page shows them: as typed, the one that is at fault ('' = none), whether a copy may go."""

    typed: Mapping[str, str]
    place: str
    may_copy: bool

    @property
    def is_open(self) -> bool:
        """Whether the fields are shown without being asked for."""
        return bool(self.place) or any(self.typed.values())


def added(given: Given, session: Session, message: Message, form: Mapping[str, str]) -> Given:
    """An answer with who gave it and where a copy goes, as typed. Raises FieldFault, naming the field."""
    name, function = (_line(form, field) for field in (NAME, FUNCTION))
    return replace(given, name=name, function=function, copy_to=_copy(session, message, form))


def shown(session: Session, message: Message, form: Mapping[str, str], place: str) -> WhoAnswers:
    """The three fields of a form as it was typed; `place` is the field of the page that is at fault."""
    typed = {field: form.get(field, "") for field in (NAME, FUNCTION, COPY)}
    return WhoAnswers(typed, place if place in typed else "", may_copy=waves.may_copy(session, message))


def _line(form: Mapping[str, str], field: str) -> str:
    try:
        words = hide_tokens(line_of_words(form.get(field, "")))
    except InputError as error:
        raise FieldFault(field, f"{LABELS[field]} : {error}") from None
    if len(words) > LONGEST_NAME:
        raise FieldFault(field, f"{LABELS[field]} : {LONGEST_NAME} caractères au plus.")
    return words


def _copy(session: Session, message: Message, form: Mapping[str, str]) -> Judgement | None:
    if not (typed := form.get(COPY, "").strip()):
        return None
    try:
        address = judged(typed)
    except InputError as error:
        raise FieldFault(COPY, str(error)) from None
    if not waves.may_copy(session, message):
        raise FieldFault(COPY, ONCE)
    if address.key == message.address_key:
        raise FieldFault(COPY, SAME_BOX)
    if address.warnings:
        raise FieldFault(COPY, MIXED if address.mixed_writing else ROBOT)
    return address


OF_MEASURE = frozenset({"measure", "wording"})
# What a form holds besides what it says: its seal, and what the list of schools shows.
BESIDE = OF_MEASURE | {"seen", "listed", "told", "zone", "status", "page"}


def is_by_code(read: Token | None) -> bool:
    """Whether the code of a letter on paper led to the answer page, and no mail."""
    return read is not None and read.link == channels.BY_CODE


def sealed(message: Message, kind: FormKind, read: Token | None) -> str:
    """The seal of a form of a letter's page that is shown now: `seen`, which comes back with it."""
    link = read.link if read else 0
    return letters.new_seal(Keys(settings().signing_keys), bytes.fromhex(message.public_id), kind, link, now())


def came(message: Message, kind: FormKind, read: Token | None, given: Given | None = None) -> ReceivedForm:
    """The form that this request sends, read before anything is written."""
    keys, text = Keys(settings().signing_keys), posted("seen")
    client = f"forms of letters {client_of(request.environ, settings().proxies)}"
    return ReceivedForm(
        kind,
        letters.read_seal(keys, bytes.fromhex(message.public_id), text),
        read.link if read else 0,
        _digest(keys, kind),
        accounts.digest_of(accounts.attempt_key(settings().own_key), client),
        has_seal=bool(text),
        answers=_answers(given),
        says_little=given is not None
        and not given.gone
        and not any(replies.is_a_reaction(one, given) for one in _answers(given)),
    )


def judge(session: Session, message: Message, form: ReceivedForm) -> FormVerdict:
    """Judge a form before what it says is recorded. What it undoes is undone here."""
    verdict = replies.judge_form(session, message, form, now=now())
    if (first := verdict.undoes) is not None:
        _undo(session, message, first)
    return verdict


def _undo(session: Session, message: Message, first: SentForm) -> None:
    """Undo what the form did that another one of the same page contradicts."""
    if first.kind is FormKind.ANSWER:
        undo_answer(session, message, first.at, WithdrawalReason.TWICE)
    elif first.kind is FormKind.UNSUBSCRIPTION:
        if outbox.unsubscribed_at(session, message) == first.at:
            because = f"à vérifier : deux envois d’une même page, courriel {message.public_id}"
            outbox.subscribe_again(session, message, now=now(), because=because)
    elif first.kind is FormKind.ADDRESS:
        asked_addresses.undo(session, message, first.at, now=now())
    elif first.kind is FormKind.MEASURE:
        choice = tracking.choice_of(session, message)
        if choice and choice.basis and choice.basis.recorded_at == first.at:
            tracking.withdraw_consent(session, message, now=now())


def undo_answer(session: Session, message: Message, at: datetime, because: WithdrawalReason) -> None:
    """Undo what a form answered from a letter's page at a moment, and take back the schools that it reported."""
    waves.undo_answer(session, message, at, now=now(), because=because)
    proposals.take_back(session, message, at, now=now())


def _answers(given: Given | None) -> list[Answer]:
    if given is None:
        return []
    said = {*given.answers.values(), given.request}
    return [answer for answer in Answer if answer in said]


def _digest(keys: Keys, kind: FormKind) -> str:
    """What a form says, as a keyed digest: the same again is the same."""
    is_of_measure = kind is FormKind.MEASURE
    said = sorted(
        (name, value)
        for name, value in request.form.items(multi=True)
        if value and (name in OF_MEASURE if is_of_measure else name not in BESIDE)
    )
    return hmac.digest(keys.keys[0], repr((kind, said)).encode("utf-8", "surrogatepass"), "sha256").hex()


def question_of(session: Session, message: Message, read: Token | None) -> Question:
    """What the page of a letter asks; by a code, of the schools that the letter on paper lists.

    Not of those that are reported as the authority's no longer. Raises NotFound as `answers.question_of` does.
    """
    question = replies.question_of(session, message, now=now(), about=_about(session, message, read))
    gone = proposals.no_longer_asked(session, message)
    return replace(question, schools=[row for row in question.schools if row.school.id not in gone])


def receive(session: Session, message: Message, given: Given, read: Token | None) -> Sequence[Response]:
    """Take what was answered and reported; by a code, it names the rung that it came by.

    Raises as `answering.receive_answer` and `register.report_school` do.
    """
    by_code = is_by_code(read)
    given = replace(given, is_by_code=by_code, about=_about(session, message, read))
    step = letter.step_id if by_code and (letter := channels.paper_letter_of(session, message)) else None
    made = waves.receive_answer(session, message, given, SenderIdentity.of(settings()), now=now(), step=step)
    proposals.report(session, message, given.gone, given.gone_to, now=now())
    return made


def _about(session: Session, message: Message, read: Token | None) -> frozenset[int]:
    letter = channels.paper_letter_of(session, message) if is_by_code(read) else None
    return frozenset(letter.schools if letter else ())
