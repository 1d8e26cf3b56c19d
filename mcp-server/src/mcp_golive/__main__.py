"""`python -m mcp_golive` is the console command `mcp-golive-server`."""

from mcp_golive.cli import main

if __name__ == "__main__":
    main()
