"""The console command: help, refused settings, and a quick, clean end on every signal."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from asking import INITIALIZE
from mcp import Client
from programs import MCP_SERVER, Program, child_environment, running, running_http_server

from mcp_golive.cli import main

NOWHERE = "http://127.0.0.1:1/api/v1"


def run(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with nothing on standard input."""
    return subprocess.run(
        [*MCP_SERVER, *flags],
        env=child_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
        encoding="utf-8",
    )


def test_console_command_is_installed() -> None:
    command = Path(sys.executable).with_name("mcp-golive-server")
    done = subprocess.run([command, "--version"], capture_output=True, check=True, timeout=30)
    assert re.fullmatch(rb"\d+\.\d+\.\d+\n", done.stdout)


def test_help_teaches_flags_environment_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    shown = capsys.readouterr().out
    assert end.value.code == 0
    for part in ("--transport", "API_BASE_URL", "API_TIMEOUT_SECONDS", "claude mcp add"):
        assert part in shown


@pytest.mark.parametrize(
    ("flags", "repair"),
    [
        (["--port", "8000"], "need --transport http"),
        (["--api-base-url", "golive"], "must look like"),
        (["--timeout", "soon"], "above 0"),
        (["--transport", "http", "--port", "99999"], "choose another --host or --port"),
        (["--transport", "http", "--host", "192.0.2.1"], "choose another --host or --port"),
    ],
)
def test_setting_that_cannot_work_ends_the_command_with_a_sentence(
    flags: list[str], repair: str
) -> None:
    done = run(*flags)
    assert done.returncode == 2
    assert repair in done.stderr
    assert "Traceback" not in done.stderr


def test_wait_that_outlasts_most_clients_is_warned_of() -> None:
    done = run("--timeout", "51")
    assert done.returncode == 0
    assert "waits of up to 51 seconds: most clients give up a call after 60" in done.stderr
    assert "most clients" not in run("--timeout", "50").stderr


def test_taken_port_is_named() -> None:
    with running_http_server(NOWHERE) as (_, address):
        done = run("--transport", "http", "--port", address.rpartition(":")[2])
    assert done.returncode == 2
    assert "cannot listen on `127.0.0.1`" in done.stderr


def test_stdio_ends_when_standard_input_closes_and_prints_nothing() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr


def test_stdio_ends_cleanly_when_the_client_dies_in_the_middle_of_an_answer() -> None:
    with subprocess.Popen(
        MCP_SERVER,
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as server:
        assert server.stdin
        assert server.stdout
        assert server.stderr
        server.stdout.close()
        server.stdin.write(json.dumps(INITIALIZE).encode("utf-8") + b"\n")
        server.stdin.close()
        log = server.stderr.read().decode("utf-8")
    assert server.returncode == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stdio_ends_cleanly_on_a_signal_while_the_client_is_silent(signum: signal.Signals) -> None:
    with running(MCP_SERVER) as program:
        program.wait_for("serving MCP on standard input")
        assert program.stop(signum) == 0
        assert "Traceback" not in "\n".join(program.log)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_http_ends_cleanly_on_a_signal(signum: signal.Signals) -> None:
    with running_http_server(NOWHERE) as (program, _):
        assert program.stop(signum) == 0
        assert "Traceback" not in "\n".join(program.log)


@pytest.mark.anyio
async def test_http_ends_in_time_while_a_client_holds_its_session_open() -> None:
    with running_http_server(NOWHERE) as (program, address):
        async with Client(f"{address}/mcp", mode="legacy") as client:
            await client.list_tools()
            assert await anyio.to_thread.run_sync(_stop, program) == 0
        assert "Traceback" not in "\n".join(program.log)


def _stop(program: Program) -> int:
    return program.stop()
