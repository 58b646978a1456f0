//! The limits that an operator may set, each with the default of the product (product, section 12).

use std::time::Duration;

use clap::Args;
use server::Config;

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Most bytes of a request's body.
    #[arg(long, value_name = "BYTES", env = "PROBITY_BODY_BYTES_MAX")]
    #[arg(default_value_t = Config::default().body_bytes_max)]
    body_bytes_max: usize,
    /// Calls of the control API that a key may make in any minute, on each replica; 0 for as many as it likes.
    #[arg(long, value_name = "CALLS", env = "PROBITY_KEY_CALLS_PER_MINUTE")]
    #[arg(default_value_t = Config::default().key_calls_per_minute)]
    key_calls_per_minute: u32,
    /// Most bytes of a file that a hirer brings for orders.
    #[arg(long, value_name = "BYTES", env = "PROBITY_FILE_BYTES_MAX")]
    #[arg(default_value_t = Config::default().file_bytes_max)]
    file_bytes_max: usize,
    /// Bytes of reports and files stored for a tenant that has no quota of its own.
    #[arg(long, value_name = "BYTES", env = "PROBITY_TENANT_QUOTA_BYTES")]
    #[arg(value_parser = quota(), default_value_t = Config::default().tenant_quota_bytes)]
    tenant_quota_bytes: u64,
    /// Bytes of reports stored for an app that has no quota of its own.
    #[arg(long, value_name = "BYTES", env = "PROBITY_APP_QUOTA_BYTES")]
    #[arg(value_parser = quota(), default_value_t = Config::default().app_quota_bytes)]
    app_quota_bytes: u64,
    /// Free bytes of the disk below which reports and files wait, so that orders go on; a twentieth of the
    /// disk, 32 MiB to 1 GiB, when left out.
    #[arg(long, value_name = "BYTES", env = "PROBITY_DISK_RESERVE_BYTES", value_parser = quota())]
    disk_reserve_bytes: Option<u64>,
    /// Seconds from the first byte of a request's head to its last.
    #[arg(long, value_name = "SECONDS", env = "PROBITY_HEAD_SECONDS", value_parser = seconds())]
    #[arg(default_value_t = Config::default().listener.head.as_secs())]
    head_seconds: u64,
    /// Seconds for a request's body.
    #[arg(long, value_name = "SECONDS", env = "PROBITY_BODY_SECONDS", value_parser = seconds())]
    #[arg(default_value_t = Config::default().body_time.as_secs())]
    body_seconds: u64,
    /// Seconds that a connection may be idle.
    #[arg(long, value_name = "SECONDS", env = "PROBITY_IDLE_SECONDS", value_parser = seconds())]
    #[arg(default_value_t = Config::default().listener.idle.as_secs())]
    idle_seconds: u64,
    /// Connections served at once; further ones wait.
    #[arg(long, value_name = "COUNT", env = "PROBITY_CONNECTIONS_MAX")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(default_value_t = Config::default().listener.connections_max)]
    connections_max: u32,
    /// Long connections of one app, on all replicas together.
    #[arg(long, value_name = "COUNT", env = "PROBITY_LONG_CONNECTIONS_PER_APP")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    #[arg(default_value_t = Config::default().long_connection.connections_per_app)]
    long_connections_per_app: u32,
}

/// A day at most: more is a mistake.
fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=86_400)
}

/// 1 PiB at most: more is a mistake.
fn quota() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(..=contract::control::QUOTA_BYTES_MAX)
}

impl Limits {
    pub(crate) fn set(&self, config: &mut Config) {
        config.body_bytes_max = self.body_bytes_max;
        config.key_calls_per_minute = self.key_calls_per_minute;
        config.file_bytes_max = self.file_bytes_max;
        config.tenant_quota_bytes = self.tenant_quota_bytes;
        config.app_quota_bytes = self.app_quota_bytes;
        config.disk_reserve_bytes = self.disk_reserve_bytes;
        config.listener.head = Duration::from_secs(self.head_seconds);
        config.body_time = Duration::from_secs(self.body_seconds);
        config.listener.idle = Duration::from_secs(self.idle_seconds);
        config.listener.connections_max = self.connections_max;
        config.long_connection.connections_per_app = self.long_connections_per_app;
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    fn config(line: &str) -> Result<Config, clap::Error> {
        let command = Limits::augment_args(Command::new("serve"));
        let limits = Limits::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)?;
        let mut config = Config::default();
        limits.set(&mut config);
        Ok(config)
    }

    #[test]
    fn without_a_flag_the_limits_are_those_of_the_server() {
        let (set, default) = (config("serve").unwrap(), Config::default());
        assert_eq!(format!("{set:?}"), format!("{default:?}"));
    }

    #[test]
    fn each_flag_sets_its_own_limit() {
        let set = config(
            "serve --body-bytes-max 1 --file-bytes-max 2 --head-seconds 3 --body-seconds 4 \
             --idle-seconds 5 --connections-max 6 --long-connections-per-app 7 \
             --tenant-quota-bytes 8 --app-quota-bytes 9 --disk-reserve-bytes 10 \
             --key-calls-per-minute 11",
        );
        let set = set.unwrap();
        assert_eq!((set.body_bytes_max, set.file_bytes_max), (1, 2));
        assert_eq!((set.listener.head.as_secs(), set.body_time.as_secs()), (3, 4));
        assert_eq!((set.listener.idle.as_secs(), set.listener.connections_max), (5, 6));
        assert_eq!(set.long_connection.connections_per_app, 7);
        assert_eq!((set.tenant_quota_bytes, set.app_quota_bytes), (8, 9));
        assert_eq!((set.disk_reserve_bytes, set.key_calls_per_minute), (Some(10), 11));
    }

    #[test]
    fn a_limit_that_would_let_nothing_through_is_refused() {
        for line in
            ["serve --connections-max 0", "serve --head-seconds 0", "serve --idle-seconds 86401"]
        {
            assert!(config(line).is_err(), "{line}");
        }
    }
}
