//! What the command line takes: the settings that every command shares, and the commands by name.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use contract::control::List;

use crate::{
    account, app, audit, backup, candidate, demo, erasure, event, key, migrate, order, report,
    serve, storage, tenant, work,
};

/// The server that `probity serve` starts when it is told nothing.
pub(crate) const SERVER_DEFAULT: &str = "http://127.0.0.1:8090";

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused by the server, or failed
  2  the command line is not as expected
  3  no answer from the server

Data goes to stdout, words to stderr.";

/// Background checks between hirers and vendors, on the hirer's own machines.
#[derive(Debug, Parser)]
#[command(name = "probity", version, max_term_width = 100, after_help = EXIT_CODES)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Settings that every command takes, before or after its name.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings of all commands")]
pub(crate) struct Global {
    /// Server to call.
    #[arg(long, global = true, value_name = "URL", env = "PROBITY_SERVER")]
    #[arg(default_value = SERVER_DEFAULT)]
    pub(crate) server: String,
    /// Key to call with; else the tenant's from the credentials file, else `operator.key` in `--data`.
    #[arg(long, global = true, value_name = "KEY", env = "PROBITY_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// Data directory of the server, `data` when left out; commands that call a server read its
    /// `operator.key`.
    #[arg(long, global = true, value_name = "DIR", env = "PROBITY_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Certificate authorities to trust beside the web's and the system's (or those of SSL_CERT_FILE and
    /// SSL_CERT_DIR), in PEM: for the server that is called, and for all that a server calls itself.
    #[arg(long, global = true, value_name = "FILE", env = "PROBITY_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Tenant to act for; may be left out when the credentials file knows only one at the server.
    #[arg(long, global = true, value_name = "TENANT_KEY", env = "PROBITY_TENANT")]
    pub(crate) tenant: Option<String>,
    /// How data is written: aligned for people, or the API's body.
    #[arg(long, global = true, value_enum, default_value_t, env = "PROBITY_OUTPUT")]
    pub(crate) output: Format,
    /// Makes a command that changes something safe to repeat for 24 hours; random when left out.
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// How log lines are written to stderr; what is logged is set by `RUST_LOG`.
    #[arg(long, global = true, value_enum, default_value_t, env = "PROBITY_LOG")]
    pub(crate) log: LogFormat,
}

/// How data is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Tables and labelled lines of at most 100 columns.
    #[default]
    Text,
    /// The body of the API's answer.
    Json,
}

/// How log lines are written to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Every command, in the order of its help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a seeded server with a scripted vendor, in a temporary folder; tell what to try next.
    Demo(demo::Demo),
    /// Start the server with its workers.
    Serve(serve::Serve),
    /// Start workers alone, beside the servers of an installation.
    Work(work::Work),
    /// Bring the database to this version's shape, and end.
    Migrate(migrate::Migrate),
    /// Checks a report on stdin, as a child of the server.
    #[command(name = server::inspect::DEEP_CHECK_COMMAND, hide = true)]
    InspectReport {
        /// Take only the processor time that nobody else wants.
        #[arg(long)]
        idle: bool,
    },
    /// Copy an installation on the embedded database, also while its server runs.
    Backup(backup::Backup),
    /// Bring a backup back into a data directory that holds none.
    Restore(backup::Restore),
    #[command(flatten)]
    Call(Call),
}

impl Command {
    /// What is logged when `RUST_LOG` does not say: the demo's story leaves no room for more.
    pub(crate) fn log_level(&self) -> &'static str {
        match self {
            Command::Demo(_) => "warn",
            _ => "info",
        }
    }
}

/// The commands that call a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Tenants (租户): the hirers of an installation.
    Tenant {
        #[command(subcommand)]
        command: tenant::Command,
    },
    /// Apps (应用): the programs of vendors and hirers.
    App {
        #[command(subcommand)]
        command: app::Command,
    },
    /// Accounts (账号): a tenant's bindings to vendors' apps.
    Account {
        #[command(subcommand)]
        command: account::Command,
    },
    /// Orders (背调订单): place, look at, review, end.
    Order {
        #[command(subcommand)]
        command: order::Command,
    },
    /// Reports (报告) of an order, and the check of all that is kept.
    Report {
        #[command(subcommand)]
        command: report::Command,
    },
    /// Events (事件) and their deliveries (推送).
    Event {
        #[command(subcommand)]
        command: event::Command,
    },
    /// What was erased (删除), what will be, and the certificates.
    Erasure {
        #[command(subcommand)]
        command: erasure::Command,
    },
    /// How long orders are kept (保留期限) after their end.
    Retention {
        #[command(subcommand)]
        command: erasure::RetentionCommand,
    },
    /// Legal holds (法律保全): what is held is not erased.
    Hold {
        #[command(subcommand)]
        command: erasure::HoldCommand,
    },
    /// The audit chains (审计): who did what, provably whole.
    Audit {
        #[command(subcommand)]
        command: audit::Command,
    },
    /// What is stored for tenants and apps, and how much may be.
    Storage {
        #[command(subcommand)]
        command: storage::Command,
    },
    /// Candidates (候选人): finding the orders of a person who asks.
    Candidate {
        #[command(subcommand)]
        command: candidate::Command,
    },
    /// Keys: for the control API, and the installation's own.
    Key {
        #[command(subcommand)]
        command: key::Command,
    },
    /// Print the server's description of its control API (OpenAPI 3.1, JSON).
    Openapi,
}

/// Which page of a list is wanted.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    /// Where the page before ended, as it was told.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Entries wanted, 1 to 200.
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<u32>,
}

impl From<Paging> for List {
    fn from(Paging { cursor, limit }: Paging) -> List {
        List { cursor, limit }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_default_server_is_the_one_that_serve_starts() {
        assert_eq!(SERVER_DEFAULT, format!("http://{}", server::Config::default().listen));
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [
            "probity --tenant t --output json order list --state in_review --limit 5",
            "probity order list --state in_review --limit 5 --tenant t --output json",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.global.tenant.as_deref(), Some("t"));
            assert_eq!(cli.global.output, Format::Json);
        }
    }

    #[test]
    fn help_names_the_exit_codes_and_keeps_keys_hidden() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("Exit codes:"), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }

    #[test]
    fn wrong_lines_are_usage_errors_with_code_2() {
        for line in [
            "probity",
            "probity order",
            "probity order reject 7",
            "probity order place --file a.json --account 7",
            "probity order place --account 7",
            "probity order list --state done",
            "probity tenant update 7 --report-approval maybe",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
