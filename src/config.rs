//! The command line: each setting is a flag, an environment variable and, by
//! its doc comment, the help text.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::validate::{BODY_LIMIT_BYTES, BODY_LIMIT_MAX};

/// The record of go-live reviews for MCP servers: every submission and every
/// decision is a commit in a git repository.
#[derive(Debug, Parser)]
#[command(name = "golive", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the REST API over a reports repository, creating it if need be.
    #[command(after_help = "Example:\n  golive serve --listen 127.0.0.1:8080 --repo ./data/reports\n\n\
        Stop it with Ctrl-C or SIGTERM: it finishes what it accepted and ends within 5 seconds.")]
    Serve(Serve),
    /// Create a reports repository without serving it.
    Init {
        /// The folder to create; it must not exist or be empty.
        dir: PathBuf,
    },
    /// Accept that the history of the branch was rewound or replaced.
    ///
    /// The service stops writing when a tip that it served is no longer in the
    /// history. This records, as a commit, that it is meant; what was lost stays
    /// under `refs/golive/lost`. A running service goes on within a second.
    AcceptRewind {
        /// The reports repository.
        #[arg(long, env = "GOLIVE_REPO", default_value = "./data/reports", value_name = "DIR")]
        repo: PathBuf,
        /// The tip that the branch has now, as the service's message names it.
        commit: String,
    },
    /// Check report files, a whole clone, or a push, by the rules of the service.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Replay the whole history and prove that every step of it is right.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Print the path that the report of a source repository has.
    #[command(after_help = "Example:\n  golive path git@github.com:intility/mcp-servicenow.git")]
    Path {
        /// The address of the source repository, as it would be submitted.
        url: String,
    },
    /// List what is found in the text of a report, or explain one of these rules.
    #[command(after_help = "Example:\n  golive rules verdict-missing")]
    Rules {
        /// The rule to explain; none lists them all.
        #[arg(value_name = "RULE", conflicts_with = "markdown")]
        rule: Option<String>,

        /// Print all of them as a page, `docs/rules.md`.
        #[arg(long)]
        markdown: bool,
    },
    /// What git's hooks in the reports repository call.
    #[command(hide = true)]
    Hook { name: Hook },
}

/// The hooks that git calls in the reports repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    PreCommit,
}

/// Settings of the service.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "GOLIVE_LISTEN", default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub listen: SocketAddr,

    /// The reports repository; created there if it does not exist.
    #[arg(long, env = "GOLIVE_REPO", default_value = "./data/reports", value_name = "DIR")]
    pub repo: PathBuf,

    /// Another name by which the service may be called (the `Host` header), beside
    /// `localhost`, `127.0.0.1` and `[::1]`. May be given several times.
    /// On an address that is not loopback all names are answered unless one is given.
    #[arg(long = "allowed-host", env = "GOLIVE_ALLOWED_HOSTS", value_delimiter = ',', value_name = "NAME")]
    pub allowed_hosts: Vec<String>,

    /// What git may do at `http://HOST:PORT/reports.git`: nothing, clone and fetch,
    /// or push as well. Default: `write` on a loopback address, `off` elsewhere.
    #[arg(long, env = "GOLIVE_GIT_HTTP", value_name = "off|read|write", hide_possible_values = true)]
    pub git_http: Option<GitHttp>,

    /// The longest report accepted, in bytes of UTF-8. What is committed already counts
    /// whatever it is.
    #[arg(long, env = "GOLIVE_BODY_LIMIT_BYTES", default_value_t = BODY_LIMIT_BYTES, value_name = "N",
          value_parser = parse_body_limit)]
    pub body_limit_bytes: usize,

    /// Switches off work in the background, to measure or to test without it.
    #[arg(long, value_name = "JOB", hide = true)]
    pub without: Vec<Job>,

    /// Form of the log on standard error.
    #[arg(long, env = "GOLIVE_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// What to log: `error`, `warn`, `info`, `debug`, or a filter such as `golive=debug`.
    /// Every request is logged at `debug`, those that change something at `info`.
    #[arg(long, env = "GOLIVE_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// Work in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// Files follow the branch, and what people save is taken in.
    WorkTree,
    /// Packs are joined.
    Upkeep,
    /// Every report is held against what it must hold, for lists and the queue.
    Assessments,
}

impl Serve {
    /// Returns what git may do over HTTP; `address` is where the service listens.
    /// Nobody is asked who they are, so it is only on by itself where no other machine gets to.
    pub fn git_http(&self, address: SocketAddr) -> GitHttp {
        let is_loopback = address.ip().to_canonical().is_loopback();
        self.git_http.unwrap_or(if is_loopback { GitHttp::Write } else { GitHttp::Off })
    }
}

/// What git may do over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GitHttp {
    Off,
    /// Clone and fetch.
    Read,
    /// Push as well; each push is checked.
    Write,
}

/// What to check.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The files, or folders of files; none for every report file of the repository
    /// around the current folder.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Judge what changed since this commit, not only since `HEAD`: the commits
    /// one by one, as a push of them would be, then what is not committed.
    #[arg(long, value_name = "COMMIT")]
    pub against: Option<String>,

    /// Check what the next `git commit` would take, not the work tree.
    #[arg(long, conflicts_with = "paths")]
    pub staged: bool,

    /// The repository, if not the one around the current folder.
    #[arg(long, value_name = "DIR", conflicts_with = "paths")]
    pub repo: Option<PathBuf>,

    /// Be git's `pre-receive` hook: judge the push on standard input. `golive serve` sets it up.
    #[arg(long, conflicts_with_all = ["paths", "against", "staged", "repo"])]
    pub pre_receive: bool,

    /// The longest report accepted, in bytes of UTF-8; else what the repository is
    /// served with (`golive.bodyLimitBytes` in its config), else 1 MiB.
    #[arg(long, env = "GOLIVE_BODY_LIMIT_BYTES", value_name = "N", value_parser = parse_body_limit)]
    pub body_limit_bytes: Option<usize>,
}

const CHECK_EXAMPLES: &str = "Examples:
  golive check                                   every report of this clone
  golive check --against origin/main             and would a push be accepted?
  golive check reports/8/5/8/intility-mcp-*.md   these files

As a pre-commit hook, in `.git/hooks/pre-commit` (executable):
  #!/bin/sh
  exec golive check --staged

In the CI of the reports repository, with its history (`fetch-depth: 0`):
  golive check --against origin/main

Ends with 0 if all is fine, 1 if something is wrong, 2 if it cannot be checked.";

/// What to verify.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// The repository: the one that is served, a clone, a bare mirror.
    #[arg(default_value = ".", value_name = "REPO")]
    pub repo: PathBuf,
}

const VERIFY_EXAMPLES: &str = "Examples:
  golive verify                                  this clone
  git clone --mirror URL m && golive verify m    an auditor's own copy

Reads only, also while the service runs. Ends with 0 if all is right, 1 if commits
are not (each named with what is wrong), 2 if it cannot be verified.";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

fn parse_body_limit(text: &str) -> Result<usize, String> {
    let limit: usize = text.parse().map_err(|_| "must be a whole number of bytes".to_owned())?;
    if (1..=BODY_LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(format!("must be between 1 and {BODY_LIMIT_MAX}"))
    }
}
