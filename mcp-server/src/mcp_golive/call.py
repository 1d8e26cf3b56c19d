"""What a failed call may have done: the difference between reading and writing."""

from dataclasses import dataclass

# What to do when it is unknown whether a call that writes came through.
_IN_DOUBT = {
    "submit_report": (
        "The report may have been stored all the same: call get_report with its "
        "`repository_url` before you call submit_report again"
    ),
    "revise_report": (
        "The new version may have been stored all the same: call get_report and look at its "
        "revision before you call revise_report again"
    ),
    "review_report": (
        "The decision may have been recorded all the same: call get_report and look at its "
        "status before you call review_report again"
    ),
}
_OF_ONE_REPORT = frozenset({"get_report", "revise_report", "review_report"})


@dataclass(frozen=True)
class Call:
    """One use of a tool, prompt or resource, as the error texts speak of it."""

    tool: str
    api_base_url: str

    @property
    def writes(self) -> bool:
        """Whether the call changes the record when it comes through."""
        return self.tool in _IN_DOUBT

    @property
    def names_a_report(self) -> bool:
        """Whether the call is about one report that has to exist."""
        return self.tool in _OF_ONE_REPORT

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
        return _IN_DOUBT.get(self.tool, f"Call {self.tool} again later")
