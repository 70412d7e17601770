"""Many path regexes under one prefix, in blocks of which each is asked at once.

A block is a run of candidates in the order of their ranks with one `RegexSet`. A change compiles the blocks again in
which something changed, and no others; a block that has become large is cut, one that has become small joins its
neighbour.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import final

from gateline.engine.router.candidates import Candidate
from gateline.engine.router.regexes import SET_SIZE, RegexSet
from gateline.engine.router.steps import Built, Change, after, spread

__all__ = ["RegexBlock", "blocks_after"]


@final
class RegexBlock:
    """Candidates with a regex each; `regexes` is None for one that is asked alone, as its states fit into no set."""

    __slots__ = ("best", "candidates", "regexes")

    def __init__(self, candidates: Sequence[Candidate], regexes: RegexSet | None) -> None:
        self.candidates = candidates
        self.best = candidates[0].rank
        self.regexes = regexes

    def matched(self, text: bytes) -> Iterable[Candidate]:
        """The candidates whose regex matches the text (or may), in the order of their ranks."""
        if self.regexes is None:
            return self.candidates
        numbers = self.regexes.match(text)
        if not numbers:
            return ()
        if len(numbers) > 1:
            numbers.sort()
        candidates = self.candidates
        return [candidates[number] for number in numbers]


def blocks_after(last: Sequence[RegexBlock], change: Change) -> Built[list[RegexBlock]]:
    """The blocks after a change of their candidates."""
    if not last:
        return (yield from _blocks((yield from after((), change))))
    bests = [block.best for block in last]
    changes = yield from spread(change, lambda candidate: (max(bisect_right(bests, candidate.rank) - 1, 0),))
    runs: list[tuple[Sequence[Candidate], RegexBlock | None]] = []  # without a block: to be compiled
    for number, block in enumerate(last):
        here = changes.get(number)
        if here is None:
            run, kept = block.candidates, block
        else:
            run, kept = (yield from after(block.candidates, here)), None
        if not run:
            continue
        if runs and (kept is None or runs[-1][1] is None) and len(runs[-1][0]) + len(run) <= SET_SIZE // 2:
            runs[-1] = ([*runs[-1][0], *run], None)
        else:
            runs.append((run, kept))
    blocks: list[RegexBlock] = []
    for run, kept in runs:
        blocks += (yield from _blocks(run)) if kept is None else [kept]
    return blocks


def _blocks(candidates: Sequence[Candidate]) -> Built[list[RegexBlock]]:
    """Candidates, in order, in as few blocks as it takes, of about the same size."""
    blocks: list[RegexBlock] = []
    count = -(-len(candidates) // SET_SIZE)
    for number in range(count):
        start, end = (len(candidates) * edge // count for edge in (number, number + 1))
        blocks += yield from _compiled(candidates[start:end])
    return blocks


def _compiled(candidates: Sequence[Candidate]) -> Built[list[RegexBlock]]:
    if len(candidates) == 1:
        return [RegexBlock(candidates, None)]
    regexes = RegexSet([candidate.regex.pattern for candidate in candidates if candidate.regex is not None])
    compiled = yield from regexes.compile()
    yield
    if compiled:
        return [RegexBlock(candidates, regexes)]
    half = len(candidates) // 2  # the states of so many cannot fit into the memory of a set
    first = yield from _compiled(candidates[:half])
    return first + (yield from _compiled(candidates[half:]))
