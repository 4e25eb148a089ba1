"""The worker of the agent `llm`: asks one model once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ferrotape import AgentFailureKind
from ferrotape_plugins.agents.worker import failure_json, serve

_KINDS = {
    401: AgentFailureKind.AUTHENTICATION,
    403: AgentFailureKind.AUTHENTICATION,
    429: AgentFailureKind.RATE_LIMITED,
    529: AgentFailureKind.OVERLOADED,
}
_CLIENT_ERRORS = range(400, 500)


def _ask(question: Mapping[str, Any]) -> Mapping[str, Any]:
    import llm

    try:
        model = llm.get_model(question["model"])
        key = {} if question["key"] is None else {"key": question["key"]}
        response = model.prompt(
            question["prompt"],
            system=question["system"],
            stream=False,
            options=question["options"],
            **key,
        )
        text = response.text()
        used = response.usage()
    except llm.UnknownModelError as error:
        return _failed(AgentFailureKind.INVALID_REQUEST, error)
    except llm.NeedsKeyException as error:
        return _failed(AgentFailureKind.AUTHENTICATION, error)
    except Exception as error:  # noqa: BLE001 - each plugin of llm has exceptions of its own
        return _failed(_kind_of(error), error)
    counted = used.input is not None and used.output is not None
    tokens = {"input_tokens": used.input, "output_tokens": used.output}
    return {
        "text": text,
        "model": response.resolved_model or model.model_id,
        "usage": tokens if counted else None,
    }


def _kind_of(error: Exception) -> AgentFailureKind:
    """By the HTTP status that exceptions of SDKs carry."""
    status = getattr(error, "status_code", None)
    if status in _KINDS:
        return _KINDS[status]
    invalid = status in _CLIENT_ERRORS
    return AgentFailureKind.INVALID_REQUEST if invalid else AgentFailureKind.SERVER_ERROR


def _failed(kind: AgentFailureKind, error: Exception) -> Mapping[str, Any]:
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return {"failure": failure_json(kind, message)}


def main() -> None:
    """Answers one question."""
    serve(_ask)


if __name__ == "__main__":
    main()
