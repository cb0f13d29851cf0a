"""The judge itself: each thing that can go wrong is seen, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.judge import (
    AcceptedSend,
    Call,
    Evidence,
    InboxRow,
    OutboxRow,
    Written,
    judge,
)

MARIA, JOAO = "whatsapp:+5511980000001", "whatsapp:+5511980000002"
CLEAN = Evidence(
    written=[Written("SM1", MARIA), Written("SM2", MARIA), Written("SM3", JOAO)],
    inbox=[
        InboxRow(1, "SM1", "done", times_understood=1),
        InboxRow(2, "SM2", "dead"),
        InboxRow(3, "SM3", "done", times_understood=1),
    ],
    outbox=[
        OutboxRow(1, 0, "a", "sent"),
        OutboxRow(1, 1, "b", "read"),
        OutboxRow(2, 0, "c", "sent"),
        OutboxRow(3, 0, "d", "delivered"),
    ],
    accepted=[
        AcceptedSend("a", MARIA),
        AcceptedSend("d", JOAO),
        AcceptedSend("b", MARIA),
        AcceptedSend("c", MARIA),
    ],
    calls=[Call("a"), Call("d", "too_many"), Call("d"), Call("b"), Call("c")],
    forged_sids=frozenset({"SM9"}),
)


def changed(name: str, value: object, *, at: int) -> Evidence:
    rows = list(getattr(CLEAN, name))
    rows[at] = value
    return replace(CLEAN, **{name: rows})


def without(name: str, at: int) -> Evidence:
    rows = list(getattr(CLEAN, name))
    del rows[at]
    return replace(CLEAN, **{name: rows})


def longer(name: str, *values: object) -> Evidence:
    return replace(CLEAN, **{name: [*getattr(CLEAN, name), *values]})


def test_clean_run_is_clean() -> None:
    verdict = judge(CLEAN)

    assert verdict.is_clean
    assert verdict.lines() == {
        "lost": [], "duplicates": [], "out_of_order": [], "forged_accepted": [],
    }  # fmt: skip
    assert verdict.resent_after_grace == 0


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (without("inbox", 1), "SM2 never reached the inbox"),
        (changed("inbox", InboxRow(2, "SM2", "new"), at=1), "SM2 inbox 2 is new"),
        (changed("inbox", InboxRow(2, "SM2", "leased"), at=1), "is leased"),
        (
            replace(without("outbox", 2), accepted=CLEAN.accepted[:3]),
            "SM2 inbox 2 is dead without an answer",
        ),
        (without("accepted", 3), "SM2 inbox 2 answer 0 is sent and did not reach"),
        (without("accepted", 2), "SM1 inbox 1 answer 1 is read and did not reach"),
        (changed("accepted", AcceptedSend("c", JOAO), at=3), "did not reach"),
        (changed("written", Written("SM2", MARIA, media=1), at=1), "has files ()"),
        (
            replace(
                changed("written", Written("SM2", MARIA, media=1), at=1),
                inbox=changed(
                    "inbox", InboxRow(2, "SM2", "done", media=("falhou",)), at=1
                ).inbox,
            ),
            "has files ('falhou',)",
        ),
    ],
    ids=[
        "never stored", "never claimed", "never finished", "no answer", "never sent",
        "second part never sent", "sent to somebody else", "file unknown", "file lost",
    ],
)  # fmt: skip
def test_lost_message_is_reported(evidence: Evidence, said: str) -> None:
    verdict = judge(evidence)

    (line,) = verdict.lost
    assert said in line
    assert not verdict.is_clean
    assert verdict.counts["lost"] == 1


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (longer("accepted", AcceptedSend("c", MARIA)), "answer c was accepted 2 times"),
        (longer("accepted", AcceptedSend("z", MARIA)), "'z' was accepted and is in no"),
        (longer("inbox", InboxRow(4, "SM1", "done")), "SM1 is 2 times in the inbox"),
        (
            changed("inbox", InboxRow(1, "SM1", "done", times_understood=2), at=0),
            "SM1 inbox 1 understood 2 times",
        ),
        (
            replace(
                longer("outbox", OutboxRow(2, 0, "e", "sent")),
                accepted=[*CLEAN.accepted, AcceptedSend("e", MARIA)],
            ),
            "inbox 2 has 2 answers 0",
        ),
    ],
    ids=[
        "accepted twice", "in no outbox", "stored twice", "understood twice",
        "answered twice",
    ],
)  # fmt: skip
def test_doubled_message_is_reported(evidence: Evidence, said: str) -> None:
    (line,) = judge(evidence).duplicates

    assert said in line


def test_swapped_answers_are_reported() -> None:
    a, d, b, c = CLEAN.accepted

    (messages,) = judge(replace(CLEAN, accepted=[a, d, c, b])).out_of_order
    (parts,) = judge(replace(CLEAN, accepted=[b, a, d, c])).out_of_order

    assert messages == "inbox 1 answer 1 left after (2, 0)"
    assert parts == "inbox 1 answer 0 left after (1, 1)"


def test_people_do_not_wait_for_each_other() -> None:
    a, d, b, c = CLEAN.accepted

    assert judge(replace(CLEAN, accepted=[d, a, b, c])).is_clean


def test_notice_about_an_earlier_message_is_no_disorder() -> None:
    notice = OutboxRow(1, 2, "n", "sent", purpose="aviso")
    evidence = replace(
        longer("outbox", notice), accepted=[*CLEAN.accepted, AcceptedSend("n", MARIA)]
    )

    assert judge(evidence).is_clean


@pytest.mark.parametrize(
    "evidence",
    [
        longer("inbox", InboxRow(4, "SM9", "done")),
        replace(CLEAN, forged_with_2xx=1),
    ],
    ids=["stored", "acknowledged"],
)
def test_forged_message_is_reported(evidence: Evidence) -> None:
    assert judge(evidence).counts["forged_accepted"] == 1


def test_photos_answered_with_another_message_are_answered() -> None:
    album = replace(
        CLEAN,
        written=[*CLEAN.written, Written("SM4", JOAO)],
        inbox=[*CLEAN.inbox, InboxRow(4, "SM4", "done", merged_into=3)],
    )

    assert judge(album).is_clean


@pytest.mark.parametrize(
    ("faults", "resent"),
    [(["too_many", ""], 0), (["hang_after"], 0), (["hang", ""], 1), (["", ""], 1)],
    ids=["refused first", "found", "sent again", "died in between"],
)
def test_sends_after_a_doubtful_one_are_counted(faults: list[str], resent: int) -> None:
    calls = [Call("a", fault) for fault in faults]

    assert judge(replace(CLEAN, calls=calls)).resent_after_grace == resent
