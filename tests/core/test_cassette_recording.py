"""What a recording says to a reader, and how it is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording_samples import KEY, PROMPT, deltas, plain, record, request, streamed

from ferrotape.cassettes.catalogue import choose, choose_one
from ferrotape.cassettes.recording import key_of, open_recording
from ferrotape.errors import CassetteCorrupt, CassetteMissing, UsageError
from ferrotape.testing.messages import Answer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / f"{KEY}.json"


def test_prompt_answer_usage_and_attempts_are_read(path):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "later"}}
    answer = Answer(text="fn main() {}\n" * 30)
    record(path, [(request(PROMPT), plain(overloaded, 529)), (request(PROMPT), streamed(answer))])
    recording = open_recording(path)
    first, second = recording.exchanges
    assert (first.call.status, second.call.status) == (529, 200)
    assert first.said.text == "[error] overloaded_error: later"
    assert second.said.stop_reason == "end_turn"
    assert second.said.usage["output_tokens"] > 50
    assert second.call.latency_s is not None
    assert (recording.prompt, recording.answer) == (PROMPT, answer.text)
    assert (recording.outcome, recording.measured) == ("answered", True)
    assert recording.size == path.stat().st_size


def test_an_answer_that_is_not_streamed_reads_the_same(path):
    body = {
        "content": [{"type": "text", "text": "Done."}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    record(path, [(request(PROMPT), plain(body))])
    (exchange,) = open_recording(path).exchanges
    assert (exchange.said.text, exchange.said.stop_reason) == ("Done.", "max_tokens")
    assert exchange.said.usage == {"input_tokens": 3, "output_tokens": 2}


def test_thinking_and_tools_are_shown_in_brackets(path):
    blocks = (
        {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"},
        {"type": "text", "text": "I write it."},
        {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {"path": "a.rs"}},
    )
    record(path, [(request(PROMPT), streamed(Answer(blocks=blocks)))])
    said = open_recording(path).answer
    assert said == '[thinking]\nLet me see.\n\nI write it.\n\n[tool_use Write]\n{"path": "a.rs"}'


def test_a_later_turn_is_shown_by_what_is_new_in_it(path):
    first = request(PROMPT)
    second = request(PROMPT, "Which kind?", "Recursive descent.")
    second["system"] = "Be brief."
    record(path, [(first, deltas("Which ", "kind?")), (second, deltas("Here it is."))])
    recording = open_recording(path)
    assert [exchange.prompt for exchange in recording.exchanges] == [PROMPT, "Recursive descent."]
    assert [x.said.text for x in recording.exchanges] == ["Which kind?", "Here it is."]


def test_chat_completions_are_understood(path):
    body = {
        "choices": [{"message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    }
    record(path, [(request(PROMPT), plain(body))])
    said = open_recording(path).exchanges[0].said
    assert (said.text, said.stop_reason, said.usage["prompt_tokens"]) == ("Hi.", "stop", 5)


def test_other_bodies_are_shown_as_the_text_they_are(path):
    record(path, [({"question": "?"}, plain(["an", "answer"]))])
    recording = open_recording(path)
    assert recording.prompt == '{\n "question": "?"\n}'
    assert recording.answer == '[\n "an",\n "answer"\n]'


def test_a_broken_file_is_not_read(path):
    record(path, [(request(PROMPT), deltas("Hi."))])
    path.write_text(path.read_text()[:-100])
    with pytest.raises(CassetteCorrupt):
        open_recording(path)


def test_recordings_are_named_by_key_beginning_of_a_key_file_or_folder(path, tmp_path, monkeypatch):
    record(path, [(request(PROMPT), deltas("Hi."))])
    other = record(path.with_name("round-2.json"), [(request(PROMPT), deltas("Hi."))])
    (path.parents[3] / "README.md").write_text("no recording")
    root = path.parents[3]
    assert choose_one([root], KEY).path == path
    for name in ("claude-1", "claude-1/scenario-1", str(root)):
        assert [entry.path for entry in choose([root], [name])] == [path, other]
    assert [entry.path for entry in choose([root])] == [path, other]
    assert [entry.key for entry in choose([root], [KEY, str(path)])] == [KEY]
    monkeypatch.chdir(path.parent)
    assert choose_one([root], "round-2.json").path.resolve() == other
    with pytest.raises(UsageError, match="names 2 recordings") as refused:
        choose_one([root], "claude-1")
    assert KEY in refused.value.hint
    with pytest.raises(CassetteMissing, match="no recording claude-2"):
        choose([root], ["claude-2"])


def test_an_agent_of_the_first_folder_hides_the_same_one_in_the_next(path, tmp_path):
    record(path, [(request(PROMPT), deltas("Hi."))])
    shipped = tmp_path / "shipped"
    record(shipped / f"{KEY}.json", [(request(PROMPT), deltas("Hi."))])
    third = record(shipped / "other/s/f/round-1.json", [(request(PROMPT), deltas("Hi."))])
    assert [entry.path for entry in choose([path.parents[3], shipped])] == [path, third]


@pytest.mark.parametrize(
    "place", ["a/b/c/round-0.json", "a/b/c/round-1.json.bak", "b/c/round-1.json", "a/b/c/1.json"]
)
def test_other_places_have_no_key(place):
    assert key_of(Path(place)) is None
