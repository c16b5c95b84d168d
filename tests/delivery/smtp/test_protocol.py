"""Whatever a relay says, whenever it says it, and wherever it cuts: no letter has two dots, and none is lost."""

import string

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from outreach.delivery.smtp import Parcel, Relay, State, Verdict
from outreach.delivery.smtp._protocol import Conversation

BEFORE_DOT = {Verdict.UNTRIED, Verdict.UNREACHED, Verdict.STOPPED}
AFTER_DOT = {Verdict.ACCEPTED, Verdict.UNKNOWN}
REPLIES = [b"250 2.0.0 ok\r\n", b"354 go on\r\n", b"220 hello\r\n", b"451 4.3.0 later\r\n", b"421 4.3.2 closing\r\n"]
REPLIES += [b"550 5.1.1 nobody\r\n", b"552 5.2.2 full\r\n", b"500 what\r\n", b"503 bad sequence\r\n", b"334 go on\r\n"]
REPLIES += [b"250-more\r\n", b"25", b"0 ok\r\n", b"299 odd\r\n", b"\r\n", b"OK!\r\n", b"999 x\r\n", b"x" * 5000]
OFFERS = [(), ("PIPELINING",), ("PIPELINING", "SIZE 40"), ("SMTPUTF8", "PIPELINING"), ("PIPELINING", "SIZE 0")]


class Letters(RuleBasedStateMachine):
    """Letters over one conversation after another, as a pool has them: whoever was not tried goes on the next."""

    @initialize(offers=st.sampled_from(OFFERS))
    def begin(self, offers):
        self.count = 0
        self.waiting = []  # parcels that may be handed over
        self.before = b""  # what earlier conversations wrote
        self.stream = b""
        self.open(offers)

    def fresh(self):
        if self.waiting:
            return self.waiting.pop(0)
        self.count += 1
        name = "zoé" if self.count % 5 == 0 else "nadia"
        wire = f"Subject: {self.count}.\r\n\r\n.{string.ascii_letters[: self.count % 9]}\r\n".encode()
        return Parcel(self.count, "a@x.example", f"{name}{self.count}@y.example", wire)

    def collect(self):
        for parcel, result in self.talk.settled:
            was_sent = self.dots(parcel) > 0
            assert not (was_sent and result.verdict in BEFORE_DOT)
            assert was_sent or result.verdict not in AFTER_DOT
            assert result.verdict is not Verdict.UNTRIED or body(parcel) not in self.written[self.start(parcel) :]
            self.handed.pop(parcel.key)
            if not was_sent:
                self.waiting.append(parcel)
        self.talk.settled.clear()

    def start(self, parcel):
        return self.handed[parcel.key]

    def dots(self, parcel):
        return self.written.count(body(parcel) + b".\r\n")

    @property
    def written(self):
        return self.before + self.stream + bytes(self.talk.out)

    def open(self, offers):
        """Begin a conversation that is ready for letters."""
        self.before += self.stream
        self.talk, self.stream, self.handed = Conversation(Relay.at("smtp://127.0.0.1:25", "x.example")), b"", {}
        self.talk.receive(b"220 hello\r\n")
        self.talk.receive("\r\n".join(["250-relay", *(f"250-{offer}" for offer in offers), "250 HELP\r\n"]).encode())
        assert self.talk.state is State.READY

    def hand(self, give):
        """Give the next letter to the conversation."""
        parcel = self.fresh()
        self.handed[parcel.key] = len(self.written)
        give(parcel)

    def hear(self, said):
        self.talk.receive(said)

    def write(self, share):
        """The socket takes some of the bytes."""
        many = max(1, int(len(self.talk.out) * share))
        self.stream += bytes(self.talk.out[:many])
        del self.talk.out[:many]
        if not self.talk.out:
            self.talk.flushed()

    @rule(offers=st.sampled_from(OFFERS), share=st.sampled_from([0.4, 1, 1]), is_followed=st.booleans())
    def go_on(self, offers, share, is_followed):
        """What comes next when all goes well; after a closed conversation, another one."""
        match self.talk.state:
            case State.CLOSED:
                assert not self.handed
                self.open(offers)
            case _ if self.talk.out:
                self.write(share)
            case State.READY:
                self.hand(self.talk.hand)
            case State.ENVELOPE:
                current = self.talk.current
                is_last = not current.steps and current.awaited == 1
                self.hear(b"354 go on\r\n" if is_last else b"250 2.1.0 ok\r\n")
            case State.AT_DOT if is_followed and self.talk.pipelines:
                self.hand(self.talk.release)
            case State.AT_DOT:
                self.talk.release()
            case State.VERDICT | State.RESETTING:
                self.hear(b"250 2.0.0 ok\r\n")
        self.collect()

    @rule(steps=st.lists(st.tuples(st.sampled_from(OFFERS), st.just(1), st.booleans()), min_size=5, max_size=20))
    def go_on_for_a_while(self, steps):
        for step in steps:
            Letters.go_on(self, *step)

    @rule(said=st.sampled_from(REPLIES))
    def hear_anything(self, said):
        self.hear(said)
        self.collect()

    @precondition(lambda self: self.talk.is_behind)
    @rule()
    def recall(self):
        self.talk.recall()
        self.collect()

    @rule()
    def cut(self):
        self.hear(b"")
        self.collect()
        assert self.talk.state is State.CLOSED

    @precondition(lambda self: self.talk.state is State.AT_DOT)
    @rule(said=st.sampled_from(REPLIES))
    def hear_too_early(self, said):
        self.hear(said)
        self.collect()

    @precondition(lambda self: self.talk.state is State.AT_DOT)
    @rule()
    def abandon(self):
        parcel = self.talk.parcel
        self.talk.abandon()
        self.handed.pop(parcel.key)
        self.waiting.append(parcel)

    @invariant()
    def no_letter_has_two_dots(self):
        for key in range(1, self.count + 1):
            assert self.written.count(body_of(key) + b".\r\n") <= 1

    @invariant()
    def each_letter_is_in_one_place(self):
        pipelined = self.talk.pipelined
        inside = [self.talk.parcel] if self.talk.parcel else []
        inside += [pipelined.parcel] if pipelined and not pipelined.is_recalled else []
        assert sorted(parcel.key for parcel in inside) == sorted(self.handed)
        assert self.talk.state is not State.VERDICT or self.dots(self.talk.parcel) == 1


def body_of(key):
    return f"Subject: {key}.\r\n\r\n..{string.ascii_letters[: key % 9]}\r\n".encode()


def body(parcel):
    return body_of(parcel.key)


TestLetters = Letters.TestCase
