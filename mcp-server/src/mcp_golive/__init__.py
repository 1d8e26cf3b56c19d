"""MCP server of golive: two tools over the service's REST API.

`submit_report` hands in a go-live report, `list_servers` lists what was handed
in. The server keeps nothing: every call is one exchange with the service at
`API_BASE_URL`, which holds all rules and all state.
"""

__version__ = "0.1.0"
