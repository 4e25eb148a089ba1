"""Secrets are found wherever they got into a recording, and taken out so that it replays."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording_samples import (
    KEY,
    PROMPT,
    deltas,
    identity,
    plain,
    record,
    replay,
    request,
    reseal,
    streamed,
)

from ferrotape.cassettes.body import Frame, JsonBody, SseBody, TextBody
from ferrotape.cassettes.conversation import answered
from ferrotape.cassettes.recording import open_recording
from ferrotape.cassettes.redaction import redacted, scrub_recording
from ferrotape.cassettes.secrets import entropy, find_secrets
from ferrotape.errors import CassetteCorrupt
from ferrotape.testing.messages import Answer

LETTERS = string.ascii_letters + string.digits
ROOT = Path(__file__).parents[2]


def made_up(length: int, seed: int = 0, letters: str = LETTERS) -> str:
    """Random letters: written down as they are, they would look like secrets of this file."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    return "".join(chance.choice(letters) for _ in range(length))


KEYS = {
    "Anthropic key": f"sk-ant-api03-{made_up(60)}",
    "OpenAI key": f"sk-proj-{made_up(48)}",
    "GitHub token": f"ghp_{made_up(36)}",
    "GitLab token": f"glpat-{made_up(20)}",
    "AWS key": f"AKIA{made_up(16, letters=string.ascii_uppercase + string.digits)}",
    "Google key": f"AIza{made_up(35)}",
    "Slack token": f"xoxb-{made_up(24)}",
    "Hugging Face token": f"hf_{made_up(34)}",
    "npm token": f"npm_{made_up(36)}",
    "PyPI token": f"pypi-{made_up(60)}",
    "Stripe key": f"sk_live_{made_up(24)}",
    "JSON web token": f"eyJ{made_up(20)}.eyJ{made_up(30, 1)}.{made_up(40, 2)}",
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{made_up(64)}\n",
    "e-mail address": "jane.doe@corporation.io",
    "home folder": "janedoe",
    "random token": made_up(40, 3),
}
SENTENCES = {
    "home folder": "I wrote /home/janedoe/project/a.rs.",
    "bearer token": f"curl -H 'Authorization: Bearer {made_up(32, 4)}'",
    "password in a URL": "postgres://admin:hunter2hunter2@db/main",
    "organisation": "organization_id: 01234567-89ab-cdef-0123-456789abcdef",
    "random token": 'let api_key = "a1b2c3d4e5f6a7b8c9d0";',
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"{KEY}.json"


def rules(path: Path) -> set[str]:
    return {secret.rule for secret in find_secrets(open_recording(path))}


@pytest.mark.parametrize("rule", KEYS)
def test_a_key_in_an_answer_is_found_however_the_stream_splits_it(path, rule):
    value = KEYS[rule]
    said = SENTENCES.get(rule, f"Take {value} for it.") if rule == "home folder" else f"So: {value}"
    for size in (3, 1000):
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        record(path, [(request(PROMPT), deltas(*pieces))])
        (secret,) = find_secrets(open_recording(path))
        assert (secret.rule, secret.where) == (rule, "response of call 1")
        assert value.strip() in secret.value
        assert secret.value not in secret.masked


@pytest.mark.parametrize("rule", SENTENCES)
def test_a_secret_is_found_by_what_stands_around_it(path, rule):
    record(path, [(request(PROMPT), streamed(Answer(text=SENTENCES[rule])))])
    assert rules(path) == {rule}


def test_an_organisation_is_found_by_its_own_form(path):
    record(path, [(request(PROMPT), streamed(Answer(text="Not you, org-MARKED-77aa.")))])
    (secret,) = find_secrets(open_recording(path))
    assert (secret.rule, secret.value) == ("organisation", "org-MARKED-77aa")


def test_headers_that_the_tape_would_not_keep_are_found_and_removed(path):
    record(path, [(request(PROMPT), deltas("Hi."))])
    tree = json.loads(path.read_text())
    (interaction,) = tree["interactions"]
    interaction["request"]["headers"]["x-api-key"] = ["none of your business"]
    interaction["response"]["headers"]["set-cookie"] = ["a=b"]
    path.write_text(json.dumps(tree))
    reseal(path)
    assert rules(path) == {"header x-api-key", "header set-cookie"}
    assert len(scrub_recording(path).removed) == 2
    assert rules(path) == set()
    assert "business" not in path.read_text()
    replay(path, request(PROMPT))


@pytest.mark.parametrize(
    "text",
    [
        "user@example.com, root@localhost.localdomain.test",
        "open('/home/user/file'), C:\\Users\\you\\x",
        "sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "fn test_parse_returns_an_error_when_2_fields_Are_Missing_in_record_17() {}",
        "std::collections::hash_map::DefaultHasher, core/src/parser/mod.rs:120",
        "sk-learn-like-names-are-no-keys-whatever-they-say",
        "let token = tokens.next(); let secret = compute_the_secret_of_the_thing();",
        "class='org-chart-2021', org-mode-tables, an org-wide-rule",
        "Bearer <your token here>, https://user:pass@",
    ],
)
def test_what_looks_alike_but_is_no_secret_is_left_alone(path, text):
    record(path, [(request(PROMPT), streamed(Answer(text=text)))])
    assert find_secrets(open_recording(path)) == ()


def test_ids_and_signatures_are_random_by_nature(path):
    signature = made_up(300, 5)
    blocks = (
        {"type": "thinking", "thinking": "Hm.", "signature": signature},
        {"type": "tool_use", "id": f"toolu_{made_up(40, 6)}", "name": "Write", "input": {}},
    )
    record(path, [(request(PROMPT), streamed(Answer(blocks=blocks)))])
    assert find_secrets(open_recording(path)) == ()


def test_the_shipped_recordings_hold_no_secrets():
    for path in sorted((ROOT / "cassettes").glob("*/*/*/*.json"))[::5]:
        assert find_secrets(open_recording(path)) == (), path


def test_random_tokens_have_more_bits_than_names():
    assert entropy("aaaa") == 0
    assert entropy("abcdefghijklmnop") == 4
    assert entropy(made_up(40)) > 4.2


def test_a_scrubbed_recording_replays_to_the_end_of_a_conversation(path):
    key = KEYS["Anthropic key"]
    whole = request(PROMPT, f"The key is {key}.", "Thanks.")
    record(
        path,
        [
            (request(PROMPT), deltas("The key is ", key[:20], key[20:], ".")),
            (whole, streamed(Answer(text=f"{key} is the key"))),
        ],
    )
    before = path.read_bytes()
    assert len(scrub_recording(path, dry_run=True).removed) == 3
    assert path.read_bytes() == before
    scrubbed = scrub_recording(path)
    assert scrubbed.kept == ()
    assert key[:20] not in path.read_text()
    assert find_secrets(open_recording(path)) == ()
    again = request(PROMPT, "The key is [redacted].", "Thanks.")
    _, second = replay(path, request(PROMPT), again)
    assert "[redacted] is the key" in second
    after = path.read_bytes()
    assert scrub_recording(path).removed == ()
    assert path.read_bytes() == after


def test_what_the_prompt_or_the_settings_hold_is_kept_and_named(path):
    key, mail = KEYS["GitHub token"], "jane.doe@corporation.io"
    prompt = f"Use {key}."
    made_for = identity(prompt, settings={"system": f"Write to {mail}."})
    response = plain({"content": [{"type": "text", "text": f"I use {key} and {mail}."}]})
    record(path, [(request(prompt), response)], made_for=made_for)
    before = path.read_bytes()
    scrubbed = scrub_recording(path)
    assert scrubbed.removed == ()
    assert {secret.value for secret in scrubbed.kept} == {key, mail}
    assert path.read_bytes() == before
    replay(path, request(prompt), made_for=made_for)


def test_a_broken_recording_is_not_scrubbed(path):
    record(path, [(request(PROMPT), deltas("Hi."))])
    path.write_bytes(path.read_bytes()[:-50])
    before = path.read_bytes()
    with pytest.raises(CassetteCorrupt):
        scrub_recording(path)
    assert path.read_bytes() == before


@given(
    st.lists(st.text("ab SECRT", max_size=6), max_size=8),
    st.text("SECRT", min_size=2, max_size=5),
)
def test_redaction_of_a_stream_gives_the_text_with_every_value_replaced(pieces, value):
    frames = [
        Frame(data={"index": 0, "delta": {"type": "text_delta", "text": piece}}) for piece in pieces
    ]
    body = redacted(SseBody(frames), [value])
    assert answered(body).text == "".join(pieces).replace(value, "[redacted]")
    assert isinstance(body, SseBody)
    assert len(body.sse) == len(pieces)


@pytest.mark.parametrize(
    "frame",
    [
        lambda piece: {"choices": [{"index": 0, "delta": {"content": piece}}]},
        lambda piece: {"type": "response.output_text.delta", "item_id": "m", "delta": piece},
    ],
)
def test_redaction_knows_the_streams_of_openai(frame):
    pieces = ["a SEC", "RET", "KEY z"]
    body = redacted(SseBody([Frame(data=frame(piece)) for piece in pieces]), ["SECRETKEY"])
    assert body == SseBody([Frame(data=frame(p)) for p in ("a [redacted]", "", " z")])


def test_redaction_reaches_keys_nested_values_and_raw_text():
    tree = {"a secret key": ["secret", {"x": "no secret", "n": 1}]}
    assert redacted(JsonBody(tree), ["secret"]) == JsonBody(
        {"a [redacted] key": ["[redacted]", {"x": "no [redacted]", "n": 1}]}
    )
    assert redacted(TextBody("a secret"), ["secret"]) == TextBody("a [redacted]")
    assert redacted(SseBody([": secret"], "secr et"), ["secret"]) == SseBody(
        [": [redacted]"], "secr et"
    )
    assert redacted(TextBody("a secret"), []) == TextBody("a secret")
