//! The arguments that many commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use contract::control::List;

/// The server to call when none is named: the one that `probity serve` starts by default.
pub(crate) const SERVER_DEFAULT: &str = "http://127.0.0.1:8090";

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

/// Which page of a list is wanted.
#[derive(Debug, Default, Args)]
pub(crate) struct Paging {
    /// Where the page before ended, as it was printed.
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
    use super::*;

    #[test]
    fn the_default_server_is_the_one_that_serve_starts() {
        assert_eq!(SERVER_DEFAULT, format!("http://{}", server::Config::default().listen));
    }
}
