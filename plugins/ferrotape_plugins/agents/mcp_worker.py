"""The worker of the agent `mcp`: starts a server, calls one tool, ends the server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ferrotape import AgentFailureKind
from ferrotape_plugins.agents.worker import failure_json, serve

if TYPE_CHECKING:
    from mcp_types import CallToolResult


async def _call(question: Mapping[str, Any]) -> Mapping[str, Any]:
    from mcp import Client, MCPError, StdioServerParameters

    program, *arguments = question["command"]
    server = StdioServerParameters(
        command=program, args=arguments, env=question["env"], cwd=question["cwd"]
    )
    told: Mapping[str, Any] = {}
    try:
        async with Client(server, read_timeout_seconds=question["timeout_s"]) as client:
            told = _told(await client.call_tool(question["tool"], question["arguments"]))
    except* (MCPError, OSError, ValueError) as errors:
        # Where the client leaves its task groups, each error comes in a group of its own.
        told = _failed(f"the server failed: {_first(errors)}")
    return told


def _told(result: CallToolResult) -> Mapping[str, Any]:
    text = "".join(block.text for block in result.content if block.type == "text")
    return _failed(f"the tool failed: {text}") if result.is_error else {"text": text}


def _failed(message: str) -> Mapping[str, Any]:
    return {"failure": failure_json(AgentFailureKind.CRASHED, message)}


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main() -> None:
    """Answers one question."""
    serve(lambda question: asyncio.run(_call(question)))


if __name__ == "__main__":
    main()
