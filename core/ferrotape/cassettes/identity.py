"""What a recording was made for, and how that is compared with what is asked for now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """All that a recording depends on. It is stored in the cassette and compared at replay."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    agent: str
    """The agent's name in the configuration."""
    plugin: str
    """The name of the agent plugin."""
    settings: Mapping[str, Any]
    """What the plugin's answer depends on (`Agent.identity`): JSON values."""
    scenario: str
    format: str
    round: int
    prompt_sha256: str
    """SHA-256 of the prompt as UTF-8, in hex."""

    def as_json(self) -> dict[str, Any]:
        """The identity as a JSON object.

        Raises:
            TypeError: A setting is no JSON value.
        """
        fields = {name: getattr(self, name) for name in self.__slots__}
        tree: dict[str, Any] = json.loads(json.dumps(fields | {"settings": dict(self.settings)}))
        return tree

    def changes_since(self, recorded: Identity) -> tuple[str, ...]:
        """One entry for each field that differs, such as `settings.model: recorded "a", now "b"`.

        A setting that one side lacks equals null there, so that a new option of a plugin does
        not put its old recordings out of date.
        """
        then, now = recorded.as_json(), self.as_json()
        if json.dumps(then) == json.dumps(now):  # nearly always, and quick to see
            return ()
        return tuple(_changes("", then, now))


def _changes(name: str, recorded: Any, now: Any) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key in sorted(recorded.keys() | now.keys()):
            inner = f"{name}.{key}" if name else key
            yield from _changes(inner, recorded.get(key), now.get(key))
    elif name == "prompt_sha256" and recorded != now:
        yield f"the prompt has changed (SHA-256 recorded {recorded[:12]}…, now {now[:12]}…)"
    elif json.dumps(recorded) != json.dumps(now):
        yield f"{name}: recorded {_shown(recorded)}, now {_shown(now)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
