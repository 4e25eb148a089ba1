"""The agent `claude-code`: the real command line of Claude Code, without a terminal.

    [agents.NAME]
    plugin = "claude-code"
    model = "..."

It works in an empty workspace with an empty home, with the tools of the list and no others. The
answer is what it says at the end plus the files it wrote; `answer` says which of them counts.
To record, `claude` must be on the PATH and `ANTHROPIC_API_KEY` in the environment, which goes to
the proxy and never to the program; `ANTHROPIC_BASE_URL` may be there, and `base_url` comes before
it. Replay needs the program too, but no key: it answers the recorded calls again, and the program
carries out the recorded tool calls again. Treat such recordings as code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from annotated_types import Ge, MinLen

from ferrotape import Agent, AgentFailure, AgentFailureKind, Reply, Session, Trial, Usage, hookimpl
from ferrotape.sandbox import basic_environment
from ferrotape_plugins.agents.answers import Counts, answer_blocks, written_files
from ferrotape_plugins.agents.draft import failed
from ferrotape_plugins.agents.messages_api import API, KEY
from ferrotape_plugins.agents.programs import ended_badly, lacking, out_of_time

_URL = "ANTHROPIC_BASE_URL"
_QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "CI": "1",
}


@dataclass(frozen=True, kw_only=True)
class ClaudeCodeOptions:
    """The keys of `[agents.NAME]`."""

    model: Annotated[str, MinLen(1)]
    tools: tuple[str, ...] = ("Read", "Write", "Edit", "Glob", "Grep")
    """What it may use, as `--allowedTools` takes it: `Bash(cargo check:*)`."""
    system: str | None = None
    """Added to its own system prompt."""
    max_turns: Annotated[int, Ge(1)] | None = None
    answer: Counts = "files-or-text"
    files: tuple[str, ...] = ("*.rs",)
    """Globs of the files that it may answer with."""
    program: str = "claude"
    base_url: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    """Further variables for the program, such as `RUSTUP_HOME`; no secrets."""


class ClaudeCodeAgent:
    """Has Claude Code work on the prompt in a folder of its own."""

    name = "claude-code"
    version = "1"
    description = "The command line of Claude Code, in an empty folder, with a list of tools."
    traffic = "program"
    Options = ClaudeCodeOptions

    def identity(self, options: ClaudeCodeOptions) -> Mapping[str, Any]:
        """What the model is asked with.

        Not what counts of the answer: replay works that out anew. Nor the program's version: what
        one version recorded, another replays, unless it asks otherwise, and that is a miss.
        """
        return {
            "model": options.model,
            "tools": list(options.tools),
            "system": options.system,
            "max_turns": options.max_turns,
        }

    def missing(self, options: ClaudeCodeOptions, env: Mapping[str, str]) -> str | None:
        """The program or the key, whichever is not there."""
        return lacking(options.program, (KEY,), env)

    def endpoint(self, options: ClaudeCodeOptions, env: Mapping[str, str]) -> str:
        """The option, the environment, or the real service."""
        return options.base_url or env.get(_URL) or API

    def answer(
        self,
        trial: Trial,  # noqa: ARG002
        prompt: str,
        options: ClaudeCodeOptions,
        session: Session,
    ) -> Reply:
        """Runs the program once."""
        from ferrotape.cassettes import DUMMY_KEY

        if session.cut_off():
            return Reply(failure=out_of_time(session.timeout_s), model=options.model)
        upstream = self.endpoint(options, session.env)
        with session.proxy(upstream, session.env.get(KEY, "")) as base_url:
            own = {
                **_QUIET,
                **options.env,
                "CLAUDE_CONFIG_DIR": str(session.home / ".claude"),
                _URL: base_url,
                KEY: DUMMY_KEY,
            }
            outcome = session.programs.run(
                [options.program, *_arguments(options)],
                cwd=session.workspace,
                env=basic_environment(session.home, own),
                wall_s=session.timeout_s,
                stdin=prompt,
            )
        told = _result(outcome.stdout)
        files = written_files(session.workspace, options.files)
        blocks = answer_blocks(str(told.get("result") or ""), files, options.answer)
        reply = Reply(
            blocks=blocks,
            stop_reason=told.get("stop_reason"),
            model=_model(told, options.model),
            usage=_usage(told.get("usage")),
        )
        # It ends with a status of its own where it gives an account of a failure.
        bad = None if told else ended_badly(options.program, outcome, session.timeout_s)
        return replace(reply, failure=bad or _failure(told, reply))


def _arguments(options: ClaudeCodeOptions) -> list[str]:
    given = [
        "--print",
        "--output-format=json",
        f"--model={options.model}",
        "--permission-mode=acceptEdits",
        "--strict-mcp-config",
    ]
    # The one list says what there is, the other what it may do with that without being asked.
    names = dict.fromkeys(tool.partition("(")[0] for tool in options.tools)
    given.append(f"--tools={','.join(names)}")
    if options.tools:
        given.append(f"--allowedTools={','.join(options.tools)}")
    if options.system is not None:
        given.append(f"--append-system-prompt={options.system}")
    if options.max_turns is not None:
        given.append(f"--max-turns={options.max_turns}")
    return given


def _result(stdout: bytes) -> Mapping[str, Any]:
    """The program's account of itself, its last line; empty if it gave none."""
    lines = stdout.decode(errors="replace").strip().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _model(told: Mapping[str, Any], asked: str) -> str:
    """The model that wrote most."""
    used = told.get("modelUsage")
    if not isinstance(used, dict) or not used:
        return asked
    return str(max(used, key=lambda name: used[name].get("outputTokens", 0)))


def _usage(told: Any) -> Usage | None:
    if not isinstance(told, dict):
        return None
    return Usage(
        input_tokens=told.get("input_tokens") or 0,
        output_tokens=told.get("output_tokens") or 0,
        cache_read_tokens=told.get("cache_read_input_tokens") or 0,
        cache_write_tokens=told.get("cache_creation_input_tokens") or 0,
    )


_KINDS_BY_STATUS = {
    401: AgentFailureKind.AUTHENTICATION,
    402: AgentFailureKind.AUTHENTICATION,
    403: AgentFailureKind.AUTHENTICATION,
    408: AgentFailureKind.SERVER_ERROR,
    429: AgentFailureKind.RATE_LIMITED,
    529: AgentFailureKind.OVERLOADED,
}
_CLIENT_ERRORS = range(400, 500)


_CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded"})


def _failure(told: Mapping[str, Any], reply: Reply) -> AgentFailure | None:
    """Why its account is of no usable answer; None if it is of one."""
    kinds = AgentFailureKind
    said = str(told.get("result") or told.get("subtype") or "nothing")
    failure: AgentFailure | None = None
    if not told:
        failure = failed(kinds.CRASHED, "the program gave no account of itself")
    elif told.get("subtype") == "error_max_turns":
        failure = failed(kinds.TRUNCATED, "the program used up its turns")
    elif told.get("is_error") or told.get("subtype") != "success":
        failure = failed(_kind_of(told.get("api_error_status")), f"the program said: {said}")
    elif reply.stop_reason == "refusal":
        failure = failed(kinds.REFUSED, f"the model refused: {said}")
    elif reply.stop_reason in _CUT_OFF:
        failure = failed(kinds.TRUNCATED, f"the answer was cut off by {reply.stop_reason}")
    elif not reply.text.strip():
        failure = failed(kinds.EMPTY, "the program neither said nor wrote anything that counts")
    return failure


def _kind_of(status: Any) -> AgentFailureKind:
    """By the HTTP status that it got from the endpoint; without one it got no response."""
    if not isinstance(status, int):
        return AgentFailureKind.CONNECTION
    kind = _KINDS_BY_STATUS.get(status)
    if kind is not None:
        return kind
    invalid = status in _CLIENT_ERRORS
    return AgentFailureKind.INVALID_REQUEST if invalid else AgentFailureKind.SERVER_ERROR


@hookimpl
def ferrotape_agents() -> Sequence[Agent]:
    """The agent for Claude Code."""
    return [ClaudeCodeAgent()]
