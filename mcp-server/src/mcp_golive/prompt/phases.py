"""The six phases of a go-live review: what to ask, where the evidence is, when to stop.

Advice to an assistant, no rules: what a report must hold is in the template and
in the policy. A phase of the policy that is not here gets general advice.
"""

from dataclasses import dataclass

from mcp_golive.policy import Phase
from mcp_golive.visible import visible


@dataclass(frozen=True)
class PhaseGuide:
    """Advice on one phase."""

    name: str
    ask: str
    evidence: str
    stop: str


_GENERAL = PhaseGuide(
    name="",
    ask="What the headings of the template ask and the code cannot tell.",
    evidence="File and line, command and its output, or a link, for each row.",
    stop="A row is ❌ and the developer has no plan for it.",
)

GUIDES = (
    PhaseGuide(
        name="Security Assessment",
        ask=(
            "Which data can the tools reach, and whose? Which of it was written by strangers? "
            "Where can the server send data? Who may call which tool?"
        ),
        evidence=(
            "Read every tool's definition and handler, with file and line: what it reads, writes, "
            "deletes, and what it returns. Look for HTTP clients, file access, subprocesses, SQL "
            "built from text, URLs taken from arguments, and for content types of results. Search "
            "the code and its history for secrets; name the file and the line, never the value."
        ),
        stop=(
            "A secret is in the code or its history: stop, show the developer where (not the "
            "value), and go on only when it is revoked and removed. A row of the lethal trifecta "
            "(private data, untrusted content, external communication) is ❌, or all three come "
            "together: stop and tell the developer; this goes on only with a change of the server "
            "or an exception that they name."
        ),
    ),
    PhaseGuide(
        name="Policy Compliance",
        ask=(
            "Who owns the server, which team is on call, how is the data classified, how long is "
            "it kept, which exceptions were granted, by whom and until when?"
        ),
        evidence=(
            "LICENSE, CODEOWNERS, SECURITY.md, the licences of the dependencies from the lock "
            "file, what the logging code writes of persons, and the settings of the protected "
            "branch if you can read them."
        ),
        stop=(
            "Nobody owns the server, or the classification of its data is unknown: stop, for the "
            "rest depends on it."
        ),
    ),
    PhaseGuide(
        name="Infrastructure",
        ask=(
            "Where does it run, with how many replicas, how is it rolled out and back, and how "
            "does the running image lead back to a commit?"
        ),
        evidence=(
            "Dockerfile (base image, user, digest), manifests or charts (requests and limits, "
            "probes, network policies, exposure), the pipeline, where secrets come from. Quote "
            "the lines."
        ),
        stop=(
            "The image cannot be led back to a commit, or secrets are in the image or in "
            "manifests: stop and tell the developer."
        ),
    ),
    PhaseGuide(
        name="Observability",
        ask="Who is alerted, for what, and where are the dashboard and the runbook?",
        evidence=(
            "The logging set-up and what it writes for one tool call, metrics and traces in the "
            "code, alert rules, the record of who called which tool with what authority."
        ),
        stop=(
            "Logs hold tokens or the data of persons: that is ❌; tell the developer before you "
            "go on."
        ),
    ),
    PhaseGuide(
        name="Authentication",
        ask=(
            "Who issues the tokens, for which audience and scopes; is every call downstream made "
            "with the caller's own rights (on behalf of), and which service accounts are there?"
        ),
        evidence=(
            "Where tokens are checked (issuer, audience, expiry, scopes; file and line), what the "
            "server answers without one (401, 403 and their challenge), where tokens go: to "
            "memory, disk, logs, other services."
        ),
        stop=(
            "A caller's token is passed on to another service, or calls work without a token: "
            "stop and tell the developer."
        ),
    ),
    PhaseGuide(
        name="Final Verification",
        ask=(
            "Which findings are still open, who decided what about each, and under which "
            "conditions is this to go live?"
        ),
        evidence=(
            "Run the tests and quote what they print, with coverage; the state of CI for the very "
            "commit that is reviewed; the quality gate; the list of open findings."
        ),
        stop=(
            "Tests fail or were not run on this commit: the verdict is not PASS. The sign-off of "
            "the reviewer stays empty: it is never yours, nor the developer's, to fill in."
        ),
    ),
)
_BY_NAME = {guide.name.casefold(): guide for guide in GUIDES}


def guide_text(phases: list[Phase]) -> str:
    """Return the advice on `phases`, as the policy has them; on the usual six without any."""
    asked = phases or [Phase(name=guide.name) for guide in GUIDES]
    return "\n\n".join(_phase(number, phase) for number, phase in enumerate(asked, 1))


def _phase(number: int, phase: Phase) -> str:
    guide = _BY_NAME.get(phase.name.casefold(), _GENERAL)
    lines = [f"### Phase {number}: {visible(phase.name)}"]
    if phase.sections:
        headings = ", ".join(visible(section.heading) for section in phase.sections)
        lines.append(f"- Sections that the policy requires: {headings}")
    lines += [
        f"- Ask: {guide.ask}",
        f"- Evidence: {guide.evidence}",
        f"- Stop: {guide.stop}",
    ]
    return "\n".join(lines)
