//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Load for the reports API: sends calls, checks the answers, prints figures as JSON.
#[derive(Parser)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Send calls until --seconds or --count is reached.
    #[command(after_help = "Example:\n  load run --base 127.0.0.1:8080 --call post --count 10000 --ids ids\n  \
        load run --base 127.0.0.1:8080 --call mix --seconds 5 --ids ids")]
    Run(Run),
    /// Print the text of the report that was sent with this key (second column of the ids file).
    Body { key: u64 },
}

#[derive(Clone, Args)]
pub struct Run {
    /// HOST:PORT of the service.
    #[arg(long)]
    pub base: String,
    #[arg(long)]
    pub call: Call,
    /// How many clients, each with one request under way.
    #[arg(long, default_value_t = 64)]
    pub clients: usize,
    /// Stop after so many seconds.
    #[arg(long, default_value_t = 3600.0)]
    pub seconds: f64,
    /// Stop after so many requests.
    #[arg(long, default_value_t = u64::MAX)]
    pub count: u64,
    /// File of reports, a line `ID KEY` each: read before, new ones appended after.
    #[arg(long)]
    pub ids: Option<PathBuf>,
    /// Read the reports in the file's order, each once, instead of at random.
    #[arg(long)]
    pub in_order: bool,
    /// Distinguishes this run: no two runs against one service may have the same.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What `list` asks for.
    #[arg(long, default_value = "/api/v1/reports?status=pending_review&limit=50")]
    pub list_path: String,
    /// How many summaries a list must hold.
    #[arg(long, default_value_t = 50)]
    pub list_items: usize,
    /// What `path` asks for.
    #[arg(long, default_value = "/healthz")]
    pub path: String,
    /// Weights of post, get, list and patch in a mix.
    #[arg(long, default_values_t = [20, 60, 15, 5], value_delimiter = ',')]
    pub weights: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Call {
    /// Submit a new report.
    Post,
    /// Read one report.
    Get,
    /// Read the first page of pending reports.
    List,
    /// Decide: approve or reject, in the file's order; its last reports stay undecided.
    Patch,
    /// The four, by --weights.
    Mix,
    /// Read --path.
    Path,
    /// Read the history of a report.
    History,
}
