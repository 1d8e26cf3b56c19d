"""The rules of the reports repository, as far as they guide somebody who fills in a report.

Readers of `GET /policy`. Every key may be missing, for a newer service may say less or more.
"""

from pydantic import BaseModel


class Section(BaseModel):
    """One `### HEADING` of a phase."""

    heading: str
    fields: list[str] = []
    columns: list[str] = []
    rows: list[str] = []


class Phase(BaseModel):
    """One phase of the checklist."""

    name: str
    verdict: bool = False
    sections: list[Section] = []


class ReportRules(BaseModel):
    """What a report must hold."""

    enforcement: str = "warn"
    fields: list[str] = []
    phases: list[Phase] = []


class SubmissionRules(BaseModel):
    """Who may submit, and what about; empty lists allow any."""

    repository_hosts: list[str] = []
    repository_owners: list[str] = []
    email_domains: list[str] = []


class ReviewRules(BaseModel):
    """Who may decide, and until when."""

    approval_days: int = 0


class Policy(BaseModel):
    """The rules in force."""

    report: ReportRules = ReportRules()
    submission: SubmissionRules = SubmissionRules()
    review: ReviewRules = ReviewRules()
