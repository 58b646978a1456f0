//! What `serve`, `work` and `migrate` share: storage, reach, report checks, the runtime, and the signals that stop it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use inspect::ScannerPolicy;
use server::{Config, S3};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::shared_args::Global;
use crate::usage_error::UsageError;

#[derive(Debug, Args)]
pub(crate) struct Storage {
    /// PostgreSQL to keep everything in (`postgres://…`); SQLite in `--data` when left out.
    #[arg(long, value_name = "URL", env = "PROBITY_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where the contents of reports and files are stored: a folder (`reports` in `--data` when left out), or
    /// `s3://bucket/prefix` with PROBITY_S3_ACCESS_KEY_ID, PROBITY_S3_SECRET_ACCESS_KEY and, where they
    /// are not the provider's own, PROBITY_S3_ENDPOINT and PROBITY_S3_REGION.
    #[arg(long, value_name = "FOLDER|URL", env = "PROBITY_OBJECTS")]
    objects: Option<String>,
    /// Where the bucket's name stands in requests: in the path, or in the host, as Alibaba's OSS and Tencent's COS
    /// want it.
    #[arg(long, value_enum, default_value_t, value_name = "STYLE", env = "PROBITY_S3_STYLE")]
    s3_style: S3Style,
    /// Command that prints the root key as 64 hex digits, and on a second line the next one, if there is
    /// one; without it PROBITY_ROOT_KEY (and PROBITY_ROOT_KEY_NEXT), else `root.key` in `--data`.
    #[arg(long, value_name = "COMMAND", env = "PROBITY_ROOT_KEY_COMMAND", hide_env_values = true)]
    root_key_command: Option<String>,
}

/// Where a bucket's name stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum S3Style {
    /// `https://store/bucket/…`
    #[default]
    Path,
    /// `https://bucket.store/…`
    Virtual,
}

#[derive(Debug, Args)]
pub(crate) struct Outbound {
    /// Range or host that events may go to and reports come from although it is not public, on any
    /// port; a port of public hosts beside 80, 443 and 8443; or, as nat64:64:ff9b::/96, the prefix of
    /// the network's NAT64 translator. What an address embeds is checked too. May be repeated.
    #[arg(
        long,
        value_name = "CIDR|HOST|:PORT|nat64:PREFIX",
        env = "PROBITY_ALLOW_OUTBOUND",
        value_delimiter = ','
    )]
    pub(crate) allow_outbound: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reports {
    /// Check reports by a parser in a child process, which may do nothing but that.
    #[arg(long, value_enum, default_value_t, value_name = "ON|OFF", env = "PROBITY_DEEP_CHECK")]
    deep_check: Switch,
    /// Scanner for malware that checks reports: clamd:///path/of/socket, clamd://host:port, or
    /// command:/path/of/program, which reads a report from stdin and ends with 0 when it found
    /// nothing, with 1 when it found something, named in its first line.
    #[arg(long, value_name = "SCANNER", env = "PROBITY_SCANNER")]
    scanner: Option<String>,
    /// What is done with reports in which the scanner found something.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "POLICY",
        env = "PROBITY_SCANNER_POLICY"
    )]
    scanner_policy: Policy,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Done.
    #[default]
    On,
    /// Left out.
    Off,
}

/// What becomes of a report in which the scanner found something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// Stored, and shown with a warning.
    #[default]
    Flag,
    /// Not stored.
    Refuse,
}

impl Reports {
    pub(crate) fn set(self, config: &mut Config) {
        config.deep_check = match self.deep_check {
            Switch::On => Some(this_program()),
            Switch::Off => None,
        };
        config.scanner = self.scanner;
        config.scanner_policy = match self.scanner_policy {
            Policy::Flag => ScannerPolicy::Flag,
            Policy::Refuse => ScannerPolicy::Refuse,
        };
    }
}

/// This program, for its children; on Linux also after its file was replaced by another version's.
pub(crate) fn this_program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { running } else { std::env::current_exe().unwrap_or(running) }
}

/// How long orders may and must be stored, and where the audit chains are anchored besides.
#[derive(Debug, Args)]
pub(crate) struct Evidence {
    /// Fewest days after an order's end before it is erased, by hand too.
    #[arg(long, value_name = "DAYS", env = "PROBITY_RETENTION_DAYS_MIN", default_value_t = 0)]
    retention_days_min: u32,
    /// Most days after an order's end that a rule may keep it.
    #[arg(long, value_name = "DAYS", env = "PROBITY_RETENTION_DAYS_MAX", default_value_t = 3_650)]
    retention_days_max: u32,
    /// Where the anchors of the audit chains are sent every minute, by POST as JSON lines.
    #[arg(long, value_name = "URL", env = "PROBITY_ANCHOR_URL")]
    anchor_url: Option<String>,
}

impl Evidence {
    pub(crate) fn set(self, config: &mut Config) -> Result<(), UsageError> {
        let (min_days, max_days) = (self.retention_days_min, self.retention_days_max);
        if min_days > max_days {
            let message = format!("expected --retention-days-min to be at most {max_days}");
            return Err(UsageError { message, hint: "see `probity serve --help`" });
        }
        config.retention.min_days = min_days;
        config.retention.max_days = max_days;
        config.anchor_url = self.anchor_url;
        Ok(())
    }
}

/// The settings of all three. Secrets come by the environment only: a flag would show in the list of processes.
pub(crate) fn config(global: &Global, storage: Storage) -> Config {
    let variable = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
    let Storage { database_url, objects, s3_style, root_key_command } = storage;
    let mut config = Config {
        database_url,
        objects,
        root_key: variable("PROBITY_ROOT_KEY"),
        root_key_next: variable("PROBITY_ROOT_KEY_NEXT"),
        root_key_command,
        s3: S3 {
            endpoint: variable("PROBITY_S3_ENDPOINT"),
            region: variable("PROBITY_S3_REGION"),
            is_virtual_hosted: s3_style == S3Style::Virtual,
            access_key_id: variable("PROBITY_S3_ACCESS_KEY_ID"),
            secret_access_key: variable("PROBITY_S3_SECRET_ACCESS_KEY"),
        },
        ..Config::default()
    };
    config.ca_file.clone_from(&global.ca_file);
    if let Some(data) = &global.data {
        config.data.clone_from(data);
    }
    config
}

/// A runtime on every core, in a process that outlives stray signals and has as many file handles as it may.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    system::handles::raise_limit();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let _entered = runtime.enter();
    outlive_signals()?;
    Ok(runtime)
}

/// Catches the signals that would end the process although nobody asks it to end. Caught and not ignored, since
/// children inherit what is ignored; SIGCHLD too, since a parent that ignored it would hide how our children ended.
fn outlive_signals() -> std::io::Result<()> {
    for kind in [
        SignalKind::hangup(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::pipe(),
        SignalKind::alarm(),
        SignalKind::io(),
        SignalKind::child(),
    ] {
        // It stays caught when its stream is dropped.
        drop(signal(kind)?);
    }
    // SIGSTKFLT, SIGXFSZ (a write beyond a file's size limit then fails), SIGVTALRM, SIGPROF, SIGPWR, real-time ones.
    #[cfg(target_os = "linux")]
    for number in [16, 25, 26, 27, 30].into_iter().chain(34..=64) {
        drop(signal(SignalKind::from_raw(number)));
    }
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM. Listens from now on, so that no signal is missed.
pub(crate) fn shutdown() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        reports: Reports,
    }

    fn config(line: &str) -> Config {
        let mut config = Config::default();
        Line::try_parse_from(line.split(' ')).unwrap().reports.set(&mut config);
        config
    }

    #[test]
    fn reports_are_checked_deeply_unless_that_is_switched_off() {
        let usual = config("probity");
        assert!(usual.deep_check.is_some_and(|program| program.exists()));
        assert_eq!((usual.scanner, usual.scanner_policy), (None, ScannerPolicy::Flag));
        let other =
            config("probity --deep-check off --scanner clamd:///run/clamd --scanner-policy refuse");
        assert_eq!(other.deep_check, None);
        assert_eq!(other.scanner.as_deref(), Some("clamd:///run/clamd"));
        assert_eq!(other.scanner_policy, ScannerPolicy::Refuse);
        assert!(Line::try_parse_from(["probity", "--deep-check", "maybe"]).is_err());
    }
}
