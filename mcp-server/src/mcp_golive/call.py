"""What a failed call may have done: the difference between reading and writing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One tool call, as the error texts speak of it."""

    tool: str
    api_base_url: str
    writes: bool

    @property
    def service(self) -> str:
        """The service and the setting that leads to it."""
        return f"the golive service at `{self.api_base_url}` (API_BASE_URL)"

    def nothing_stored(self, repair: str) -> str:
        """Return `repair` as a sentence; for a call that writes, after what is certain."""
        if self.writes:
            return f"Nothing was stored: {repair}"
        return repair[0].upper() + repair[1:]

    @property
    def again(self) -> str:
        """What to do when the outcome is unknown."""
        if self.writes:
            return (
                "The report may have been stored all the same: call list_servers and look for "
                "its repository before you call submit_report again"
            )
        return f"Call {self.tool} again later"


def submit_call(api_base_url: str) -> Call:
    """Return the call of `submit_report`."""
    return Call(tool="submit_report", api_base_url=api_base_url, writes=True)


def list_call(api_base_url: str) -> Call:
    """Return the call of `list_servers`."""
    return Call(tool="list_servers", api_base_url=api_base_url, writes=False)
