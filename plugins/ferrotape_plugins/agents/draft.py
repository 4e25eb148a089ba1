"""The reply of the Messages API as it grows, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ferrotape import AgentFailure, AgentFailureKind, Block, BlockKind, Reply, Usage

if TYPE_CHECKING:
    from anthropic.types import ContentBlock, Message, RawMessageStreamEvent

_LONGEST_MESSAGE = 300


class Draft:
    """A reply as it grows, event by event."""

    def __init__(self) -> None:
        self._kinds: dict[int, BlockKind] = {}
        self._texts: dict[int, list[str]] = {}
        self._tokens: dict[str, int] = {}
        self._model = ""
        self._stop_reason: str | None = None
        self._refusal = ""
        self._complete = False

    def add(self, event: RawMessageStreamEvent) -> None:
        """Takes in one event of a stream."""
        if event.type == "content_block_delta":
            delta = event.delta
            if delta.type == "text_delta":
                self._texts[event.index].append(delta.text)
            elif delta.type == "thinking_delta":
                self._texts[event.index].append(delta.thinking)
        elif event.type == "content_block_start":
            self._begin(event.index, event.content_block)
        elif event.type == "message_start":
            self._model = event.message.model
            self._count(event.message.usage)
        elif event.type == "message_delta":
            self._stop(event.delta)
            self._count(event.usage)
        elif event.type == "message_stop":
            self._complete = True

    def take(self, message: Message) -> None:
        """Takes in a whole message."""
        self._model = message.model
        for index, block in enumerate(message.content):
            self._begin(index, block)
        self._stop(message)
        self._count(message.usage)
        self._complete = True

    def reply(self, failure: AgentFailure | None) -> Reply:
        """What there is so far."""
        blocks = (Block(kind=kind, text="".join(self._texts[i])) for i, kind in self._kinds.items())
        counted = self._tokens
        usage = Usage(
            input_tokens=counted.get("input_tokens", 0),
            output_tokens=counted.get("output_tokens", 0),
            cache_read_tokens=counted.get("cache_read_input_tokens", 0),
            cache_write_tokens=counted.get("cache_creation_input_tokens", 0),
        )
        return Reply(
            blocks=tuple(blocks),
            stop_reason=self._stop_reason,
            model=self._model,
            usage=usage if counted else None,
            failure=failure,
        )

    def failure(self) -> AgentFailure | None:
        """Why the reply is no answer although nothing broke."""
        kinds = AgentFailureKind
        if not self._complete:
            return failed(kinds.CONNECTION, "the stream ended before the message did")
        if self._stop_reason == "refusal":
            return failed(kinds.REFUSED, f"the model refused{self._refusal}")
        if self._stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return failed(kinds.TRUNCATED, f"the answer was cut off by {self._stop_reason}")
        texts = (i for i, kind in self._kinds.items() if kind is BlockKind.TEXT)
        if not any("".join(self._texts[i]).strip() for i in texts):
            given = ", ".join(dict.fromkeys(self._kinds.values()))
            return failed(kinds.EMPTY, f"the answer has no text, only {given or 'nothing'}")
        return None

    def _begin(self, index: int, block: ContentBlock) -> None:
        if block.type == "text":
            kind, text = BlockKind.TEXT, block.text
        elif block.type == "thinking":
            kind, text = BlockKind.THINKING, block.thinking
        elif block.type == "redacted_thinking":
            kind, text = BlockKind.REDACTED_THINKING, block.data
        else:
            kind, text = BlockKind.OTHER, block.type
        self._kinds[index] = kind
        self._texts[index] = [text]

    def _stop(self, message: Any) -> None:
        self._stop_reason = message.stop_reason
        details = message.stop_details
        if details is not None:
            reason = details.explanation or details.category
            self._refusal = f": {reason}" if reason else ""

    def _count(self, usage: Any) -> None:
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ):
            count = getattr(usage, name, None)
            if count is not None:
                self._tokens[name] = count


def failed(kind: AgentFailureKind, sentence: str) -> AgentFailure:
    """A failure, its sentence on one line."""
    return AgentFailure(kind=kind, message=" ".join(sentence.split())[:_LONGEST_MESSAGE])
