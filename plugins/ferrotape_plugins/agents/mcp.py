"""The agent `mcp`: an agent that is a tool of an MCP server, over stdio.

    [agents.NAME]
    plugin = "mcp"
    command = ["my-agent", "mcp"]
    tool = "solve"

The server is started in an empty workspace and asked once: the tool named, with the prompt as
the argument named. The answer is the text of the result, or the files it wrote. The exchange is
the recording; replay starts nothing. Needs the extra `ferrotape[mcp]` to record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import MinLen

from ferrotape import Agent, AgentFailureKind, Reply, Session, Trial, hookimpl
from ferrotape_plugins.agents.answers import Counts, answer_blocks, written_files
from ferrotape_plugins.agents.draft import failed
from ferrotape_plugins.agents.programs import lacking, out_of_time, passed_on, redacted
from ferrotape_plugins.agents.worker import ask_worker, failure_of


@dataclass(frozen=True, kw_only=True)
class McpOptions:
    """The keys of `[agents.NAME]`."""

    command: Annotated[tuple[str, ...], MinLen(1)]
    """The server and its arguments."""
    tool: Annotated[str, MinLen(1)]
    argument: Annotated[str, MinLen(1)] = "prompt"
    """The tool's argument that takes the prompt."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The tool's other arguments."""
    model: str = ""
    """For reports: the server does not say."""
    answer: Counts = "text"
    files: tuple[str, ...] = ("*.rs",)
    """Globs of the files that it may answer with."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further variables for the server; no secrets."""
    pass_env: tuple[str, ...] = ()
    """Names of secrets that the server gets from the environment."""


class McpAgent:
    """Calls a tool of an MCP server with the prompt."""

    name = "mcp"
    version = "1"
    description = "An agent that is a tool of an MCP server, over stdio."
    traffic = "program"
    Options = McpOptions

    def identity(self, options: McpOptions) -> Mapping[str, Any]:
        """What is called, and what of it is on the recording."""
        return {
            "command": list(options.command),
            "tool": options.tool,
            "argument": options.argument,
            "arguments": dict(options.arguments),
            "model": options.model,
            "files": None if options.answer == "text" else list(options.files),
        }

    def missing(self, options: McpOptions, env: Mapping[str, str]) -> str | None:
        """The extra, the server, or a variable to pass on, whichever is not there."""
        return lacking(options.command[0], options.pass_env, env, extra="mcp")

    def endpoint(self, options: McpOptions, env: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """Not known: whom it asks is its own affair."""
        return None

    def answer(
        self,
        trial: Trial,  # noqa: ARG002
        prompt: str,
        options: McpOptions,
        session: Session,
    ) -> Reply:
        """Asks once, or has the tape answer."""
        from ferrotape_plugins.agents.exchange import OutOfTimeError, exchanged

        if session.cut_off():
            return Reply(failure=out_of_time(session.timeout_s), model=options.model)
        arguments = {**options.arguments, options.argument: prompt}
        call = {"tool": options.tool, "arguments": arguments}
        try:
            told = exchanged(session, "/mcp", call, lambda: _call(call, options, session))
        except OutOfTimeError:
            return Reply(failure=out_of_time(session.timeout_s), model=options.model)
        blocks = answer_blocks(told.get("text", ""), told.get("files", {}), options.answer)
        reply = Reply(blocks=blocks, model=options.model)
        failure = failure_of(told)
        if failure is None and not reply.text.strip():
            failure = failed(AgentFailureKind.EMPTY, "the tool's result has no text")
        return Reply(blocks=blocks, model=options.model, failure=failure)


def _call(call: Mapping[str, Any], options: McpOptions, session: Session) -> Mapping[str, Any]:
    passed = passed_on(options.pass_env, session.env)
    question = {
        **call,
        "command": options.command,
        "env": {**options.env, **passed},
        "cwd": str(session.workspace),
        "timeout_s": session.timeout_s,
    }
    secrets = tuple(passed.values())
    told = ask_worker("mcp_worker", question, session, env={}, secrets=secrets)
    if options.answer == "text":
        return told
    files = written_files(session.workspace, options.files)
    return {**told, "files": {name: redacted(text, secrets) for name, text in files.items()}}


@hookimpl
def ferrotape_agents() -> Sequence[Agent]:
    """The agent for tools of MCP servers."""
    return [McpAgent()]
