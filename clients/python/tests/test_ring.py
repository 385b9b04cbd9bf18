"""The reports of one lease: what is sent, and what an answer changes."""

from collections.abc import Callable

from roomcast.v1 import Fault, Lease, OutputChunk, Report
from roomcast.worker.ring import Ring


def ring_of(names: str, told: list[str]) -> Ring:
    ring = Ring(Lease(job_id="j", fence=7))

    def teller(name: str) -> Callable[[Fault | None], None]:
        return lambda fault: told.append(f"{name} {fault.code}" if fault else name)

    for name in names:
        ring.push(Report(), teller(name))
    return ring


def sent(ring: Ring) -> list[int]:
    numbers = []
    while ring.has_unsent:
        numbers.append(ring.next_unsent().number)
    return numbers


def settle(ring: Ring, number: int) -> None:
    for tell in ring.settle(number):
        tell(None)


def test_reports_are_numbered_from_one_within_their_lease() -> None:
    ring = ring_of("ab", [])
    report = ring.next_unsent()
    assert (report.job_id, report.fence, report.number) == ("j", 7, 1)
    assert sent(ring) == [2]


def test_what_is_not_durable_goes_again_under_the_same_numbers() -> None:
    told: list[str] = []
    ring = ring_of("abc", told)
    assert sent(ring) == [1, 2, 3]
    settle(ring, 1)
    ring.rewind()
    assert sent(ring) == [2, 3]
    assert told == ["a"]


def test_an_acknowledgement_covers_all_before_it_and_may_repeat() -> None:
    told: list[str] = []
    ring = ring_of("abc", told)
    sent(ring)
    settle(ring, 2)
    settle(ring, 2)
    assert told == ["a", "b"]
    ring.push(Report(), None)
    assert sent(ring) == [4]


def test_what_was_sent_before_a_reconnect_may_be_acknowledged_after_it() -> None:
    told: list[str] = []
    ring = ring_of("ab", told)
    sent(ring)
    ring.rewind()
    settle(ring, 1)
    assert sent(ring) == [2]


def test_a_core_that_was_too_full_gets_ever_more_at_once() -> None:
    ring = ring_of("abcdefgh", [])
    assert sent(ring) == [1, 2, 3, 4, 5, 6, 7, 8]
    ring.hold_back()
    ring.rewind()
    assert sent(ring) == [1]
    settle(ring, 1)
    assert sent(ring) == [2, 3]
    settle(ring, 3)
    assert sent(ring) == [4, 5, 6, 7, 8]


def test_lines_join_the_last_report_until_it_was_sent() -> None:
    ring = Ring(Lease(job_id="j", fence=7))
    line = OutputChunk(channel="stdout", data=b"line\n")
    assert not ring.join(line)
    ring.push(Report(output=[line]), None)
    assert ring.join(OutputChunk(channel="stdout", offset=5, data=b"line\n"))
    assert not ring.join(OutputChunk(channel="stderr", data=b"line\n"))
    (chunk,) = ring.next_unsent().output
    assert (chunk.offset, chunk.data) == (0, b"line\nline\n")
    assert not ring.join(line)
    # It may be durable: after a reconnect it goes again as it was.
    ring.rewind()
    assert not ring.join(line)
    ring.push(Report(), None)
    assert not ring.join(line), "progress before it must not move behind it"
    ring.push(Report(output=[OutputChunk(data=bytes(60_000))]), None)
    assert not ring.join(OutputChunk(data=bytes(10_000)))
    settle(ring, 3)
    assert ring.bytes == 0


def test_a_report_that_is_never_taken_makes_room_for_those_behind_it() -> None:
    told: list[str] = []
    ring = ring_of("abc", told)
    sent(ring)
    settle(ring, 1)
    assert ring.is_next(2)
    assert not ring.is_next(3)
    tell = ring.drop(2)
    assert tell is not None
    tell(Fault(code="invalid_argument"))
    assert sent(ring) == [2]
    ring.push(Report(), None)
    assert sent(ring) == [3]
    settle(ring, 3)
    assert told == ["a", "b invalid_argument", "c"]
    assert (len(ring), ring.bytes) == (0, 0)
