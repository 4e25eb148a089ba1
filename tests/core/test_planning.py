from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ferrotape.planning import plan_trials

names = st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, max_size=4, unique=True)


@given(names, names, names, st.integers(1, 4), st.integers(0, 2**32))
def test_a_plan_holds_every_trial_once_and_rounds_in_order(
    scenarios: list[str], formats: list[str], agents: list[str], rounds: int, seed: int
) -> None:
    plan = plan_trials(scenarios, formats, agents, rounds, seed)
    keys = Counter(trial.key for trial in plan)
    assert len(keys) == len(plan) == len(scenarios) * len(formats) * len(agents) * rounds
    assert [trial.order for trial in plan] == list(range(len(plan)))
    assert [trial.round for trial in plan] == sorted(trial.round for trial in plan)
    assert plan == plan_trials(scenarios[::-1], formats[::-1], agents[::-1], rounds, seed)


def test_seeds_give_different_orders() -> None:
    arguments = (["a", "b", "c"], ["x", "y", "z"], ["m"], 2)
    orders = {tuple(t.key for t in plan_trials(*arguments, seed)) for seed in range(5)}
    assert len(orders) == 5


def test_the_order_of_a_seed_never_changes() -> None:
    plan = plan_trials(["a", "b"], ["x", "y"], ["m"], 1, 42)
    assert [trial.key for trial in plan] == [
        "m/a/y/round-1",
        "m/b/y/round-1",
        "m/a/x/round-1",
        "m/b/x/round-1",
    ]
