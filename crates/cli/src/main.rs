//! `probity`: the one binary; starts the server's parts, or calls a server's control API through the SDK.

mod account;
mod api_key;
mod app;
mod args;
mod audit;
mod backup;
mod caller;
mod candidate;
mod credentials;
mod daemon;
mod demo;
mod endpoint;
mod erasure;
mod event;
mod failure;
mod flags;
mod grant;
mod installation;
mod invitation;
mod key;
mod limits;
mod log;
mod migrate;
mod openapi;
mod order;
mod output;
mod reason;
mod report;
mod serve;
mod service_account;
mod shared_args;
mod storage;
mod table;
mod tenant;
mod text;
mod usage_error;
mod user;
mod work;

use std::process::ExitCode;

use args::{Call, Cli, Command};
use shared_args::Global;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (Cli { global, command }, line) = flags::parse();
    if let Command::InspectReport { idle } = command {
        return inspect::run_child(idle);
    }
    log::start(global.log, command.log_level());
    // The dependencies bring two providers; the first one installed is everybody's.
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    debug_assert!(installed.is_ok(), "nobody installs a TLS provider before main");
    let ended = run(&global, command);
    log::flush();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, &line),
    }
}

fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let call = match command {
        Command::Serve(serve) => return serve::run(global, serve),
        Command::Work(work) => return work::run(global, work),
        Command::Migrate(migrate) => return migrate::run(global, migrate),
        Command::Backup(backup) => return backup::backup(global, backup),
        Command::Restore(restore) => return backup::restore(global, restore),
        Command::Demo(demo) => return demo::run(&demo),
        Command::InspectReport { .. } => unreachable!("main answers it before"),
        Command::Call(call) => call,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match call {
            Call::Tenant { command } => tenant::run(global, command).await,
            Call::App { command } => app::run(global, command).await,
            Call::Account { command } => account::run(global, command).await,
            Call::Order { command } => order::run(global, command).await,
            Call::Report { command } => report::run(global, command).await,
            Call::Event { command } => event::run(global, command).await,
            Call::Erasure { command } => erasure::run(global, command).await,
            Call::Retention { command } => erasure::retention(global, command).await,
            Call::Hold { command } => erasure::hold(global, command).await,
            Call::Audit { command } => audit::run(global, command).await,
            Call::Storage { command } => storage::run(global, command).await,
            Call::Reason { command } => reason::run(global, command).await,
            Call::Candidate { command } => candidate::run(global, command).await,
            Call::Key { command } => key::run(global, command).await,
            Call::User { command } => user::run(global, command).await,
            Call::Invitation { command } => invitation::run(global, command).await,
            Call::ServiceAccount { command } => service_account::run(global, command).await,
            Call::Openapi => openapi::run(global).await,
        }
    })
}
