//! Load for any service that speaks the reports API: each client sends its next request
//! when it has the answer to the last (a closed loop), every answer is checked, and one
//! line of JSON says how many there were in a second and how long they took.
//!
//! Why a tool of our own: the calls depend on each other (a GET or a decision needs an id
//! that a POST returned), every POST needs a body of its own, four calls mix by weight, and
//! an answer must be compared with what was sent. `oha` and `wrk` repeat fixed requests
//! (`wrk`'s Lua would be a second program of this length, and has no JSON), `goose` is a
//! library to write such a program with, over a client that takes more time per request than
//! the service under test, and so do `k6`'s scripts: with two cores they would measure
//! themselves.

mod answer;
mod args;
mod calls;
mod client;
mod connection;
mod figures;
mod reports;
mod text;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, Run};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Body { key } => print!("{}", text::body(key)),
        Command::Run(run) => match go(&run) {
            Ok(line) => println!("{line}"),
            Err(detail) => {
                eprintln!("load: {detail}");
                return ExitCode::FAILURE;
            }
        },
    }
    ExitCode::SUCCESS
}

/// Sends the load and returns the figures, as a line of JSON.
fn go(run: &Run) -> Result<String, String> {
    let reports = reports::Reports::read(run)?;
    // One thread: it keeps 64 clients busy, and leaves the other core to the service.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let (figures, created) = runtime.block_on(client::run_all(run, reports));
    if let Some(path) = &run.ids {
        reports::append(path, &created).map_err(|error| format!("`{}`: {error}", path.display()))?;
    }
    serde_json::to_string(&figures.summary()).map_err(|error| error.to_string())
}
