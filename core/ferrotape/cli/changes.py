"""How the ingredients of two runs differ, in lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ferrotape.analysis.changes import compare_results
from ferrotape.cli.plain import plain
from ferrotape.model import Ingredient, Mode
from ferrotape.provenance import CASSETTE, Difference, differences
from ferrotape.store import Store

_DIGITS = 12


def explain(store: Store, first: str, second: str) -> Iterator[str]:
    """Says which ingredients of two runs of the history differ, and whether results do.

    Raises:
        StoreError: A run is not there.
    """
    runs = [store.run(store.resolve(name)) for name in (first, second)]
    for name, run in zip(("A", "B"), runs, strict=True):
        yield f"{name}  {run.id}  {run.mode}  digest {run.digest or 'none'}"
    kept = [store.ingredients(run.id) for run in runs]
    old = [run.id for run, ingredients in zip(runs, kept, strict=True) if not ingredients]
    if old:
        yield f"The ingredients of {' and '.join(old)} were not kept: it was stored by an older"
        yield "Ferrotape. Run it again to compare."
        return
    if any(run.mode is not Mode.REPLAY for run in runs):
        yield "A run that records makes its cassettes, so those are not compared."
        kept = [_without_cassettes(ingredients) for ingredients in kept]
    found = differences(*kept)
    if found:
        yield f"{len(found)} of {len({i.name for side in kept for i in side})} ingredients differ:"
        yield from (f"  {line}" for line in difference_lines(found))
        return
    yield f"No ingredient differs: all {len(kept[0])} are the same."
    yield from _results(store, runs[0].id, runs[1].id)


def difference_lines(found: Iterable[Difference]) -> Iterator[str]:
    """A line a difference: the name, then both values, or digests where there are none."""
    for entry in found:
        before, after = entry.before, entry.after
        if before is None:
            yield plain(f"{entry.name}: only in B", one_line=True)
        elif after is None:
            yield plain(f"{entry.name}: only in A", one_line=True)
        else:
            shown = before.value != after.value
            yield plain(f"{entry.name}: {_of(before, shown)} -> {_of(after, shown)}", one_line=True)


def _of(entry: Ingredient, shown: bool) -> str:
    return (shown and entry.value) or entry.digest[:_DIGITS]


def _without_cassettes(ingredients: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    return tuple(entry for entry in ingredients if not entry.name.startswith(CASSETTE))


def _results(store: Store, first: str, second: str) -> Iterator[str]:
    """Whether the same ingredients gave the same results, as they must."""
    sides = [{r.trial.key: r for r in store.load(run).results} for run in (first, second)]
    common = sorted(sides[0].keys() & sides[1].keys())
    differing = [key for key in common if compare_results(sides[0][key], sides[1][key])]
    if not differing:
        yield f"Nor do the results of the {len(common)} trials that both have."
        return
    yield f"But {len(differing)} of {len(common)} results do, which is a defect of a plugin:"
    for key in differing:
        yield plain(f"  {key}: {'; '.join(compare_results(sides[0][key], sides[1][key]))}")
