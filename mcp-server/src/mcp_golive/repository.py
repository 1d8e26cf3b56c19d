"""The short form of a repository address: host and path."""

import re

_SCP_FORM = re.compile(r"(?:[^@/:]+@)?(?P<host>[^/:]+):(?P<path>.*)", re.DOTALL)
_DEFAULT_PORTS = {"http": ":80", "https": ":443", "ssh": ":22"}


def short_repository(url: str) -> str:
    """Return `host/path` of `url`, for a person to read.

    Scheme, user, default port, `.git` and a slash at the end are dropped. Takes
    `https://host/path`, `ssh://user@host/path` and `user@host:path`; any other
    text comes back as it is, for this only shows and never judges.
    """
    scheme, separator, rest = url.partition("://")
    if separator:
        authority, _, path = rest.partition("/")
        host = authority.rpartition("@")[2].removesuffix(_DEFAULT_PORTS.get(scheme.lower(), ""))
    elif match := _SCP_FORM.fullmatch(url):
        host, path = match["host"], match["path"]
    else:
        return url
    path = path.strip("/").removesuffix(".git")
    return f"{host}/{path}" if path else host
