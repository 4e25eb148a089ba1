"""How a kind of traffic is stored on a tape and found there again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from vcr.request import Request

from ferrotape.cassettes import matching, program
from ferrotape.cassettes.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a tape does to the exchanges of its trial."""

    key: Callable[[Request], Hashable]
    """Equal for requests that get the same answers, in the order in which they were recorded.
    It sees requests as they are stored."""
    request: Callable[[bytes], bytes] = lambda body: body
    """The body of a request as it is stored."""
    response: Callable[[bytes, str], bytes] = lambda body, content_type: body  # noqa: ARG005
    """The body of a response as it is stored."""
    places: Places | None = None
    """The folders whose paths are no part of a recording."""

    def to_tape(self, request: Request) -> Request:
        """A request as it is stored and compared."""
        body = request.body
        if not body:
            return request
        return Request(request.method, request.uri, self.request(self._hide(body)), request.headers)

    def response_to_tape(self, response: Mapping[str, Any]) -> dict[str, Any]:
        """A response as it is stored; in vcrpy's terms."""
        body = response["body"]["string"]
        if not body:
            return dict(response)
        types = [v for k, v in response["headers"].items() if k.lower() == "content-type"]
        stored = self._hide(self.response(body, types[0][0] if types else ""))
        return {**response, "body": {"string": stored}}

    def response_from_tape(self, response: Mapping[str, Any]) -> dict[str, Any]:
        """A stored response as it is played."""
        body = response["body"]["string"]
        if not body or self.places is None:
            return dict(response)
        return {**response, "body": {"string": self.places.show(body)}}

    def within(self, places: Places) -> Rules:
        """These rules, for a trial with these folders."""
        return replace(self, places=places)

    def _hide(self, content: bytes) -> bytes:
        return content if self.places is None else self.places.hide(content)


PLAIN: Final = Rules(key=matching.key)
"""Everything counts and is stored as it was: for SDK agents, whose requests are repeatable."""

PROGRAM: Final = Rules(
    key=program.turn_key, request=program.slim_request, response=program.merged_response
)
"""For agent programs, whose requests hold what changes from run to run."""

BY_NAME: Final[Mapping[str, Rules]] = {"plain": PLAIN, "program": PROGRAM}
"""The rules by the name that an agent plugin's `traffic` gives."""
