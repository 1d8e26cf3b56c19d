"""The short form of a repository address."""

import pytest

from mcp_golive.repository import short_repository


@pytest.mark.parametrize(
    ("url", "short"),
    [
        ("https://github.com/intility/mcp-servicenow", "github.com/intility/mcp-servicenow"),
        ("https://github.com/intility/mcp-servicenow.git", "github.com/intility/mcp-servicenow"),
        ("https://github.com/intility/mcp-servicenow/", "github.com/intility/mcp-servicenow"),
        ("https://git.example:443/a/b", "git.example/a/b"),
        ("https://git.example:8443/a/b", "git.example:8443/a/b"),
        ("ssh://git@git.example:22/a/b.git", "git.example/a/b"),
        ("git@github.com:intility/mcp.git", "github.com/intility/mcp"),
        ("github.com:intility/mcp", "github.com/intility/mcp"),
        ("https://git.example", "git.example"),
        ("not a url", "not a url"),
        ("", ""),
    ],
)
def test_repository_is_shown_as_host_and_path(url: str, short: str) -> None:
    assert short_repository(url) == short
