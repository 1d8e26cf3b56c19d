"""What the description's own formats mean, and what every answer must have beside it."""

import re
from typing import Any

import schemathesis
from hypothesis import strategies as st

#: From this status on an answer is a problem.
ERRORS = 400
WORD = st.from_regex(r"[a-z0-9_]([a-z0-9_.-]{0,18}[a-z0-9_])?", fullmatch=True)
HOST = st.sampled_from(
    ["github.com", "gitlab.com", "git.example.com:8443", "[::1]", "xn--bcher-kva.example"]
)


def repository_urls() -> st.SearchStrategy[str]:
    """Returns addresses of repositories, few enough for some to meet, in all their spellings."""
    path = st.builds("{}/{}".format, st.sampled_from(["a", "Group", "b%20c"]), WORD)
    end = st.sampled_from(["", ".git", "/"])
    web = st.builds(
        "{}://{}/{}{}".format, st.sampled_from(["https", "http", "HTTPS"]), HOST, path, end
    )
    ssh = st.builds("ssh://{}{}/{}{}".format, st.sampled_from(["", "git@"]), HOST, path, end)
    scp = st.builds(
        "{}:{}".format, st.sampled_from(["git@github.com", "gitlab.com", "me@host"]), path
    )
    return st.one_of(web, ssh, scp)


schemathesis.openapi.format("repository-url", repository_urls())


@schemathesis.check
def every_answer_tells_where_it_is_from(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """The commit and the request's id are in every answer, and errors are problem documents."""
    del ctx, case
    for name, pattern in (
        ("golive-commit", r"[0-9a-f]{40}"),
        ("x-request-id", r"[0-9a-f]+-[0-9a-f]+"),
    ):
        value = (response.headers.get(name) or [""])[0]
        if not re.fullmatch(pattern, value):
            raise AssertionError(f"`{name}` is `{value}`")
    media_type = (response.headers.get("content-type") or [""])[0]
    if response.status_code >= ERRORS and media_type != "application/problem+json":
        raise AssertionError(f"{response.status_code} is `{media_type}`, and no problem document")
