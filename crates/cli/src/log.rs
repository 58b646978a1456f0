//! Log lines: to stderr, so that stdout holds data alone.

use std::io::stderr;

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Starts logging for the whole process; `RUST_LOG` says what, `level` and worse by default.
pub(crate) fn start(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match format {
        LogFormat::Text => {
            let is_terminal = std::io::IsTerminal::is_terminal(&stderr());
            lines.with_ansi(is_terminal).init();
        }
        LogFormat::Json => lines.json().init(),
    }
}
