"""The agent `command`: any program that reads a prompt and writes an answer.

    [agents.NAME]
    plugin = "command"
    argv = ["my-agent", "--model", "{model}", "--in", "{prompt_file}"]
    prompt = "file"

The prompt comes on stdin, or in a file whose path stands for `{prompt_file}` in `argv`. The
answer is what the program writes to stdout, or the files it writes into its empty workspace.

With `speaks = "http"` it is given the URL of Ferrotape's proxy in the variable `base_url_env` and
a dummy in `key_env`; its calls are recorded, and replay runs it again. Otherwise what it wrote is
the recording, and replay does not run it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

from annotated_types import MinLen

from ferrotape import Agent, AgentFailureKind, Reply, Session, Trial, hookimpl
from ferrotape.sandbox import Ended, Outcome, basic_environment
from ferrotape_plugins.agents.answers import Counts, answer_blocks, written_files
from ferrotape_plugins.agents.draft import failed
from ferrotape_plugins.agents.messages_api import API
from ferrotape_plugins.agents.programs import (
    REDACTED,
    ended_badly,
    lacking,
    out_of_time,
    passed_on,
    redacted,
)
from ferrotape_plugins.agents.worker import failure_json, failure_of

_PROMPT_FILE = "{prompt_file}"


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """The keys of `[agents.NAME]`."""

    argv: Annotated[tuple[str, ...], MinLen(1)]
    """The program and its arguments; `{prompt_file}`, `{model}`, `{workspace}` and `{base_url}`
    are filled in."""
    prompt: Literal["stdin", "file"] = "stdin"
    model: str = ""
    """What `{model}` stands for; reports show it."""
    speaks: Literal["http", "nothing"] = "nothing"
    """Whether its calls can be recorded by the proxy."""
    upstream: str | None = None
    """Base URL of the endpoint, if it speaks HTTP; else that in `base_url_env`, else the one of
    Anthropic."""
    base_url_env: str = "ANTHROPIC_BASE_URL"
    """The variable that tells the program where the endpoint is."""
    key_env: str = "ANTHROPIC_API_KEY"
    """The variable that holds the key, here and for the program, which gets a dummy; empty if the
    endpoint needs none. Not used unless it speaks HTTP."""
    answer: Counts = "text"
    files: tuple[str, ...] = ("*.rs",)
    """Globs of the files that it may answer with."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further variables for the program; no secrets."""
    pass_env: tuple[str, ...] = ()
    """Names of secrets that the program gets from the environment while recording."""

    def __post_init__(self) -> None:
        if (self.prompt == "file") != any(_PROMPT_FILE in word for word in self.argv):
            raise ValueError(f'prompt = "file" and {_PROMPT_FILE} in argv go together')

    @property
    def by_proxy(self) -> bool:
        """Whether its calls go through the proxy."""
        return self.speaks == "http"


class CommandAgent:
    """Runs a program on the prompt."""

    name = "command"
    version = "1"
    description = "Any program: prompt on stdin or in a file, answer on stdout or in files."
    traffic = "program"
    Options = CommandOptions

    def identity(self, options: CommandOptions) -> Mapping[str, Any]:
        """What is run, and what of it is on the recording.

        Not `env` and `upstream`, which are this machine's: what matters belongs into `argv`.
        """
        settings = asdict(options)
        kept = ["argv", "prompt", "model", "speaks"]
        if not options.by_proxy and options.answer != "text":
            kept.append("files")
        return {name: _json(settings[name]) for name in kept}

    def missing(self, options: CommandOptions, env: Mapping[str, str]) -> str | None:
        """The program, the key, or a variable to pass on, whichever is not there."""
        key = [options.key_env] if options.by_proxy and options.key_env else []
        return lacking(options.argv[0], [*key, *options.pass_env], env)

    def endpoint(self, options: CommandOptions, env: Mapping[str, str]) -> str | None:
        """The endpoint behind the proxy; not known if the program speaks no HTTP."""
        return _upstream(options, env) if options.by_proxy else None

    def answer(
        self,
        trial: Trial,  # noqa: ARG002
        prompt: str,
        options: CommandOptions,
        session: Session,
    ) -> Reply:
        """Runs the program once, or, where it does not speak HTTP, has the tape answer."""
        if session.cut_off():
            return Reply(failure=out_of_time(session.timeout_s), model=options.model)
        ask = _run_by_proxy if options.by_proxy else _run_on_tape
        told = ask(prompt, options, session)
        blocks = answer_blocks(told["stdout"], told["files"], options.answer)
        reply = Reply(blocks=blocks, model=options.model)
        failure = failure_of(told)
        if failure is None and not reply.text.strip():
            failure = failed(AgentFailureKind.EMPTY, "the program gave no answer")
        return replace(reply, failure=failure)


def _upstream(options: CommandOptions, env: Mapping[str, str]) -> str:
    return options.upstream or env.get(options.base_url_env) or API


def _run_by_proxy(prompt: str, options: CommandOptions, session: Session) -> Mapping[str, Any]:
    from ferrotape.cassettes import DUMMY_KEY

    upstream = _upstream(options, session.env)
    key = session.env.get(options.key_env, "") if options.key_env else ""
    secrets = passed_on(options.pass_env, session.env).values()
    with session.proxy(upstream, key, secrets) as base_url:
        own = {options.base_url_env: base_url}
        if session.replaying:  # the tape holds this in place of what it was
            own |= dict.fromkeys(options.pass_env, REDACTED)
        if options.key_env:
            own[options.key_env] = DUMMY_KEY
        outcome = _run(prompt, options, session, own, base_url)
    return _told(outcome, options, session)


def _run_on_tape(prompt: str, options: CommandOptions, session: Session) -> Mapping[str, Any]:
    from ferrotape_plugins.agents.exchange import OutOfTimeError, exchanged

    def run() -> Mapping[str, Any]:
        outcome = _run(prompt, options, session, {}, "")
        if outcome.ended is Ended.TIMEOUT:
            raise OutOfTimeError
        return _told(outcome, options, session)

    try:
        return exchanged(session, "/command", {"argv": options.argv, "prompt": prompt}, run)
    except OutOfTimeError:
        late = out_of_time(session.timeout_s)
        return {"failure": failure_json(late.kind, late.message), "stdout": "", "files": {}}


def _run(
    prompt: str,
    options: CommandOptions,
    session: Session,
    own: Mapping[str, str],
    base_url: str,
) -> Outcome:
    filled = {
        "{model}": options.model,
        "{workspace}": str(session.workspace),
        "{base_url}": base_url,
    }
    by_file = options.prompt == "file"
    if by_file:
        file = session.home / "prompt.txt"
        file.write_text(prompt, encoding="utf-8", newline="")
        filled[_PROMPT_FILE] = str(file)
    extra = {**options.env, **passed_on(options.pass_env, session.env), **own}
    return session.programs.run(
        [_fill(word, filled) for word in options.argv],
        cwd=session.workspace,
        env=basic_environment(session.home, extra),
        wall_s=session.timeout_s,
        stdin="" if by_file else prompt,
    )


def _told(outcome: Outcome, options: CommandOptions, session: Session) -> dict[str, Any]:
    """What the program gave, as JSON values, without what it was told in confidence."""
    secrets = passed_on(options.pass_env, session.env).values()
    failure = ended_badly(options.argv[0], outcome, session.timeout_s)
    files = {} if options.answer == "text" else written_files(session.workspace, options.files)
    return {
        "failure": failure and failure_json(failure.kind, redacted(failure.message, secrets)),
        "stdout": redacted(outcome.stdout.decode(errors="replace"), secrets),
        "files": {name: redacted(text, secrets) for name, text in files.items()},
    }


def _fill(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@hookimpl
def ferrotape_agents() -> Sequence[Agent]:
    """The agent for programs of any kind."""
    return [CommandAgent()]
