from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrotape.live import (
    AdaptiveLimit,
    Budget,
    LiveSettings,
    OnFailure,
    OverBudget,
    Price,
    RateLimit,
)
from ferrotape.live.budget import Estimate
from ferrotape.live.calls import LiveCalls
from ferrotape.live.retry import RETRIED, RetryPolicy
from ferrotape.model import AgentFailure, AgentFailureKind, Block, BlockKind, Reply, Usage

FREE = Estimate(tokens=0, cost=0.0)
ANSWER = Reply(
    blocks=(Block(kind=BlockKind.TEXT, text="yes"),),
    usage=Usage(input_tokens=10, output_tokens=20),
)


def failure(kind: AgentFailureKind, retry_after_s: float | None = 0.0) -> AgentFailure:
    return AgentFailure(kind=kind, message=kind.value, retry_after_s=retry_after_s)


def script(*replies: Reply | AgentFailureKind) -> Callable[[], Reply]:
    coming = iter(replies)

    def attempt() -> Reply:
        reply = next(coming)
        return reply if isinstance(reply, Reply) else Reply(failure=failure(reply))

    return attempt


def calls(**settings: object) -> LiveCalls:
    made = LiveCalls(LiveSettings(**settings))
    made._policy = RetryPolicy(retries=made._policy.retries, first_s=0.0)
    return made


@pytest.mark.parametrize("kind", list(AgentFailureKind))
def test_only_what_may_pass_is_tried_again(kind: AgentFailureKind) -> None:
    reply = calls().ask(script(kind, ANSWER), FREE)
    if kind in RETRIED:
        assert reply.failure is None
        assert [f.kind for f in reply.attempts] == [kind]
    else:
        assert reply.failure is not None
        assert reply.failure.kind is kind
        assert reply.attempts == ()


def test_every_attempt_is_kept_and_there_are_at_most_so_many() -> None:
    busy, broken = AgentFailureKind.OVERLOADED, AgentFailureKind.SERVER_ERROR
    reply = calls(retries=2).ask(script(busy, broken, busy, ANSWER), FREE)
    assert [f.kind for f in reply.attempts] == [busy, broken]
    assert reply.failure is not None
    assert reply.failure.kind is busy


def test_the_policy_skip_makes_one_attempt() -> None:
    reply = calls(on_failure=OnFailure.SKIP).ask(script(AgentFailureKind.OVERLOADED, ANSWER), FREE)
    assert reply.failure is not None


def test_the_policy_fail_stops_all_further_calls() -> None:
    live = calls(on_failure=OnFailure.FAIL, retries=0)
    live.ask(script(AgentFailureKind.CONNECTION), FREE)
    assert live.stopped.startswith("a trial failed for good: connection")
    after = live.ask(script(ANSWER), FREE)
    assert after.failure is not None
    assert after.failure.kind is AgentFailureKind.NOT_ASKED


@given(
    st.integers(1, 20),
    st.floats(0, 1000) | st.none(),
    st.floats(0, 10),
    st.floats(0, 100),
    st.integers(),
)
def test_the_wait_is_bounded_and_never_shorter_than_the_endpoint_asked(
    made: int, asked: float | None, first: float, longest: float, seed: int
) -> None:
    policy = RetryPolicy(first_s=first, longest_s=longest)
    told = failure(AgentFailureKind.RATE_LIMITED, asked)
    wait = policy.wait_s(told, made, random.Random(seed))  # noqa: S311
    assert wait >= (asked or 0.0)
    assert wait <= max(asked or 0.0, min(longest, first * 2 ** (made - 1)))


def test_a_budget_of_tokens_stops_before_it_is_exceeded() -> None:
    live = calls(max_tokens=100)
    most = Estimate(tokens=60, cost=None)
    assert live.ask(script(ANSWER), most).failure is None
    assert live.budget.tokens == 30
    assert live.ask(script(ANSWER), most).failure is None
    refused = live.ask(script(ANSWER), most)
    assert refused.failure is not None
    assert refused.failure.kind is AgentFailureKind.NOT_ASKED
    assert live.budget.tokens == 60
    assert "the budget is used up" in live.stopped


def test_an_attempt_that_the_endpoint_failed_costs_nothing() -> None:
    live = calls(max_tokens=100)
    reply = live.ask(script(AgentFailureKind.OVERLOADED, ANSWER), Estimate(tokens=60, cost=None))
    assert reply.failure is None
    assert live.budget.tokens == 30


def test_a_budget_of_dollars_needs_a_price() -> None:
    live = calls(max_cost=1)
    live.ask(script(ANSWER), Estimate(tokens=1, cost=None))
    assert "no price" in live.stopped


def test_a_call_is_settled_by_what_it_used() -> None:
    budget = Budget(max_cost=1.0)
    price = Price(input=3.0, output=15.0)
    most = Estimate(tokens=50_000, cost=price.of(0, 50_000))
    budget.reserve(most)
    assert budget.cost == pytest.approx(0.75)
    with pytest.raises(OverBudget):
        budget.reserve(most)
    budget.settle(most, Usage(input_tokens=1000, output_tokens=2000, cache_read_tokens=500), price)
    assert budget.cost == pytest.approx((3 * 1500 + 15 * 2000) / 1e6)
    assert budget.tokens == 3500
    budget.reserve(most)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_a_budget_is_never_exceeded(spends: list[tuple[int, int]]) -> None:
    budget = Budget(max_tokens=100)
    for most, share in spends:
        estimate = Estimate(tokens=most, cost=None)
        try:
            budget.reserve(estimate)
        except OverBudget:
            continue
        used = min(share, most)
        budget.settle(estimate, Usage(input_tokens=used, output_tokens=0), None)
        assert 0 <= budget.tokens <= 100


def test_the_limit_grows_by_one_a_round_and_halves_once_for_calls_of_one_time() -> None:
    limit = AdaptiveLimit(first=2, most=8)
    for _ in range(2):
        with limit.slot() as slot:
            slot.report(None)
    assert limit.limit == pytest.approx(2.9)
    limit = AdaptiveLimit(first=8, most=8)
    busy = failure(AgentFailureKind.RATE_LIMITED)
    with limit.slot() as one, limit.slot() as two:
        one.report(busy)
        two.report(busy)
    assert limit.limit == 4
    with limit.slot() as later:
        later.report(busy)
    assert limit.limit == 2
    for _ in range(5):
        with limit.slot() as slot:
            slot.report(busy)
    assert limit.limit == 1


@pytest.mark.parametrize("kind", [AgentFailureKind.TIMEOUT, AgentFailureKind.SERVER_ERROR])
def test_other_failures_do_not_slow_it_down(kind: AgentFailureKind) -> None:
    limit = AdaptiveLimit(first=4, most=8)
    with limit.slot() as slot:
        slot.report(failure(kind))
    assert limit.limit == 4


def test_no_more_calls_are_under_way_than_the_limit_allows() -> None:
    limit = AdaptiveLimit(first=3, most=3)
    lock, now, most = threading.Lock(), [0], [0]
    go = threading.Event()

    def call() -> None:
        with limit.slot():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
                if now[0] == 3:
                    go.set()
            go.wait(5)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 3


def test_the_rate_is_kept_whatever_the_order_of_arrival() -> None:
    now = [0.0]
    rate = RateLimit(60, clock=lambda: now[0])
    assert [rate.take(30), rate.take(30), rate.take(1), rate.take(2)] == [0, 0, 1, 3]
    now[0] = 10.0
    assert rate.take(7) == 0
    assert rate.take(1) == 1
    assert RateLimit(None).take(10**9) == 0


def test_stopping_ends_a_wait() -> None:
    live = LiveCalls(LiveSettings(requests_per_minute=1))
    assert live.ask(script(ANSWER), FREE).failure is None
    threading.Timer(0.05, live.stop, ["the run was interrupted"]).start()
    waiting = live.ask(script(ANSWER), FREE)
    assert waiting.failure is not None
    assert waiting.failure.message == "the run was interrupted"


def test_a_call_waits_for_what_others_may_give_back_of_the_budget() -> None:
    live = calls(max_tokens=100)
    most = Estimate(tokens=60, cost=None)
    begun, go = threading.Event(), threading.Event()

    def slow() -> Reply:
        begun.set()
        go.wait(5)
        return ANSWER

    first = threading.Thread(target=live.ask, args=(slow, most))
    first.start()
    begun.wait(5)
    threading.Timer(0.05, go.set).start()
    second = live.ask(script(ANSWER), most)
    first.join()
    assert second.failure is None
    assert live.budget.tokens == 60


def test_what_a_broken_stream_used_is_counted() -> None:
    live = calls(max_tokens=100, retries=0)
    broken = Reply(
        usage=Usage(input_tokens=10, output_tokens=5),
        failure=failure(AgentFailureKind.CONNECTION),
    )
    live.ask(lambda: broken, Estimate(tokens=60, cost=None))
    assert live.budget.tokens == 15


def test_an_interrupt_takes_calls_that_are_cut_off_for_not_made() -> None:
    live = calls()

    def cut_off() -> Reply:
        live.interrupt()
        return Reply(failure=failure(AgentFailureKind.TIMEOUT))

    reply = live.ask(cut_off, FREE)
    assert reply.failure is not None
    assert reply.failure.kind is AgentFailureKind.NOT_ASKED


def test_an_endpoint_that_asks_for_too_much_patience_is_given_up() -> None:
    busy = Reply(failure=failure(AgentFailureKind.RATE_LIMITED, 1e12))
    assert calls().ask(script(busy, ANSWER), FREE).failure is not None


def test_a_wrong_key_stops_the_run() -> None:
    live = calls()
    live.ask(script(AgentFailureKind.AUTHENTICATION), FREE)
    assert "a trial failed for good" in live.stopped
