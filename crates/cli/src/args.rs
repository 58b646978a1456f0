//! The command line: every command by name.

use clap::{Parser, Subcommand};

use crate::shared_args::Global;
use crate::{
    account, app, audit, backup, candidate, demo, erasure, event, invitation, key, migrate, order,
    reason, report, serve, service_account, storage, tenant, user, work,
};

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

/// Every command, in the order of its help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a seeded server with a scripted vendor, in a temporary folder; say what to try next.
    Demo(demo::Demo),
    /// Start the server with its workers.
    Serve(serve::Serve),
    /// Start workers alone, beside the servers of an installation.
    Work(work::Work),
    /// Bring the database to this version's shape, and end.
    Migrate(migrate::Migrate),
    /// Checks a report on stdin, as a child of the server.
    #[command(name = inspect::PARSER_COMMAND, hide = true)]
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
    /// What is logged when `RUST_LOG` does not say: the demo's transcript leaves no room for more.
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
    /// Reasons (理由) to choose from when a result is sent back or an order ended.
    Reason {
        #[command(subcommand)]
        command: reason::Command,
    },
    /// Reports (报告) of an order, and the check of all that is stored.
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
    /// How long orders are stored (保留期限) after their end.
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
    /// Users (用户): people of a tenant, what they may do, where they are signed in.
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Invitations (邀请) to a tenant.
    Invitation {
        #[command(subcommand)]
        command: invitation::Command,
    },
    /// Service accounts (服务账号), which keys can belong to.
    ServiceAccount {
        #[command(subcommand)]
        command: service_account::Command,
    },
    /// Print the server's description of its control API (OpenAPI 3.1, JSON).
    Openapi,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::shared_args::Format;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
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
