"""The arguments of the tools: what each means, how it looks, and what it must be.

Form alone is judged here, and only where a wrong form would ask for another
address than the one meant; what is valid is for the service to say.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mcp_golive.arguments import Text

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
# The blob id of the report's file, of a repository with SHA-1 or with SHA-256.
_VERSION = r"^([0-9a-f]{40}|[0-9a-f]{64})$"


def _report_id(text: str) -> str:
    if not re.fullmatch(_UUID.strip("^$"), text):
        raise PydanticCustomError(
            "report_id", "must be the id of a report as list_servers gives it, a UUID in lower case"
        )
    return text


def _version(text: str) -> str:
    if not re.fullmatch(_VERSION.strip("^$"), text):
        raise PydanticCustomError(
            "version", "must be the version of the report as get_report gives it, without quotes"
        )
    return text


ServerName = Annotated[
    Text,
    Field(
        description="Name of the MCP server, one line of 1 to 255 characters",
        examples=["mcp-servicenow"],
    ),
]
RepositoryUrl = Annotated[
    Text,
    Field(
        description="GitHub/GitLab repository URL, at most 500 characters, no credentials",
        examples=["https://github.com/intility/mcp-servicenow"],
    ),
]
DeveloperEmail = Annotated[
    Text, Field(description="Developer's email", examples=["alex@intility.no"])
]
ReportMarkdown = Annotated[
    Text,
    Field(description="Complete go-live report in markdown format, at most 1 MiB by default"),
]
ReportId = Annotated[
    Text,
    AfterValidator(_report_id),
    Field(
        description="Id of the report, as submit_report, list_servers and get_report give it",
        examples=["0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10"],
        json_schema_extra={"pattern": _UUID},
    ),
]
Version = Annotated[
    Text,
    AfterValidator(_version),
    Field(
        description="The `version` that get_report gave when the report was read: the call is "
        "refused if the report was changed after that",
        examples=["c90334d9531375e81fc975e2249d6b8013cb6f9e"],
        json_schema_extra={"pattern": _VERSION},
    ),
]
DecisionStatus = Annotated[
    Literal["approved", "rejected"], Field(description="The reviewer's decision")
]
ReviewedBy = Annotated[
    Text,
    Field(
        description="Who decides: the reviewer's name and address, one line of 1 to 255 characters",
        examples=["Morgan <morgan@intility.no>"],
    ),
]
ReviewNotes = Annotated[
    # Not `Text | None`: the SDK would read notes that look like JSON as JSON.
    Text,
    BeforeValidator(lambda notes: "" if notes is None else notes),
    Field(
        description="Why, in the reviewer's words; on a rejection what to repair. At most 32 KiB",
        examples=["FP-31 is a high finding without a decision."],
    ),
]
IncludeText = Annotated[
    bool, Field(description="Whether to show the report's text, or else only where it stands")
]
PartNumber = Annotated[
    int | None,
    Field(
        description="Which part of a long text to show, from 1; implies `include_text`",
        ge=1,
        examples=[2],
    ),
]
