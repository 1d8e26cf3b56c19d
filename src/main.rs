//! The command line; nothing but wiring.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use golive::assess::rules;
use golive::config::{Cli, Command, Hook, LogFormat, Serve};
use golive::report::key::RepositoryKey;
use golive::store::{hooks, repository, rewind};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// What one thread makes here another lets go of: glibc's takes a tenth of all time
/// for that, a third more memory, and gives less of it back. `.cargo/config.toml` sets it up.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    golive::failpoint::arm();
    let result = match Cli::parse().command {
        Command::Serve(settings) => serve(settings),
        Command::Init { dir } => repository::create(&dir)
            .map_err(|error| error.to_string())
            .and_then(|()| print(&format!("Created `{0}`; serve it with `golive serve --repo {0}`", dir.display()))),
        Command::AcceptRewind { repo, commit } => rewind::accept(&repo, &commit)
            .map_err(|error| error.to_string())
            .and_then(|accepted| print(&format!("Accepted, by the commit `{accepted}`"))),
        Command::Check(settings) => return golive::check::run(&settings),
        Command::Verify(settings) => return golive::verify::run(&settings),
        Command::Path { url } => {
            RepositoryKey::parse(&url).map_err(|detail| format!("`{url}` {detail}")).and_then(|key| print(&key.path()))
        }
        Command::Rules { markdown: true, .. } => print(rules::markdown().trim_end()),
        Command::Rules { rule: None, .. } => print(rules::table().trim_end()),
        Command::Rules { rule: Some(id), .. } => match rules::find(&id) {
            Some(rule) => print(&rule.to_string()),
            None => Err(format!("there is no rule `{id}`; `golive rules` lists them")),
        },
        Command::Hook { name: Hook::PreCommit } => {
            hooks::pre_commit::wait();
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "golive: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line; a reader that went away (`| head`) is an error, not a panic.
fn print(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| format!("standard output: {error}"))
}

fn serve(settings: Serve) -> Result<(), String> {
    start_log(&settings)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let result = runtime.block_on(async {
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
            format!("cannot listen on `{}`: {error}; choose another with `--listen`", settings.listen)
        })?;
        // Registered before anything is served, so that no signal is lost.
        let stop = stop_signal().map_err(|error| error.to_string())?;
        golive::run(listener, settings, stop).await.map_err(|error| error.to_string())
    });
    // A reader still on a blocking thread must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Returns a future that ends at SIGTERM or Ctrl-C.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn start_log(settings: &Serve) -> Result<(), String> {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(format!("notify=warn,{}", settings.log))
        .map_err(|error| format!("`--log {}`: {error}", settings.log))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
