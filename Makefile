.PHONY: help run test torture demo screenshots conformance bench bench-full

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: ## Install what is missing, build, and start golive and its MCP server (Ctrl-C stops both)
	@scripts/run

test: ## Install what is missing and run every check and test
	@scripts/test

torture: ## Attack golive's promises for an hour, and prove by mutants that each attack works
	@scripts/torture

demo: ## Play a review from submission to approval against a running `make run`
	@scripts/demo

screenshots: ## Take pictures of the web pages from 300 made-up reports into docs/screenshots
	@scripts/screenshots

conformance: ## Run the official MCP conformance suite and inspector against the MCP server
	@scripts/setup npm
	@cargo build --quiet --locked
	@GOLIVE_BIN=$$(scripts/target-dir)/debug/golive mcp-server/conformance/run

bench: ## Install PostgreSQL if it is missing and measure golive against it (6 minutes); results in docs/
	@scripts/bench

bench-full: ## The same with 100,000 reports and ten minutes of writing (24 minutes, 30 GB of disk)
	@scripts/bench --full
