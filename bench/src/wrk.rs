//! The load generator: `wrk` with a script of ours, and what it parsed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

use crate::calls::Calls;

const SCRIPT: &str = include_str!("call.lua");

/// A burst to be made.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// After how many answers to stop before the time is over; 0 for never.
    pub(crate) stop_after: u64,
    /// Whether calls come again when they are used up, since the server keeps none.
    pub(crate) begins_anew: bool,
    pub(crate) calls: &'a Calls,
    pub(crate) tokens: &'a Path,
    /// Orders that are read by every 20th request.
    pub(crate) reads: Option<&'a Path>,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parsed {
    pub(crate) answers: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Answers with a status other than 2xx and 3xx.
    pub(crate) refused: u64,
    /// Connections that failed.
    pub(crate) broken: u64,
    /// Calls taken from the list.
    pub(crate) sent: u64,
    pub(crate) is_exhausted: bool,
}

/// `wrk` with its script written to a folder.
pub(crate) struct Wrk {
    script: PathBuf,
}

impl Wrk {
    /// # Errors
    /// When `wrk` cannot be run.
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Wrk> {
        // It has no option that only looks: without an address it says its usage and fails.
        let found = Command::new("wrk").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.context("expected wrk on the PATH (Debian: apt-get install wrk)")?;
        let script = folder.join("call.lua");
        std::fs::write(&script, SCRIPT)?;
        Ok(Wrk { script })
    }

    pub(crate) fn start(&self, load: &Load<'_>) -> anyhow::Result<Child> {
        let Load { calls, .. } = load;
        Command::new("wrk")
            .args(["-t1", &format!("-c{}", load.connections), &format!("-d{}s", load.seconds)])
            .arg("-s")
            .arg(&self.script)
            .arg(format!("http://{}", load.address))
            .arg("--")
            .args([&calls.path, load.tokens])
            .args(
                [calls.next, calls.most(), load.stop_after, u64::from(load.begins_anew)]
                    .map(|number| number.to_string()),
            )
            .args(load.reads)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("wrk does not start")
    }

    pub(crate) fn run(&self, load: &Load<'_>) -> anyhow::Result<Parsed> {
        finish(self.start(load)?)
    }
}

/// Waits for `wrk` and reads its last line.
pub(crate) fn finish(wrk: Child) -> anyhow::Result<Parsed> {
    let output = wrk.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(line) = text.lines().find_map(|line| line.strip_prefix("parsed ")) else {
        bail!("wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    let numbers: Vec<u64> = line
        .split(' ')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("expected numbers from wrk, got {line:?}"))?;
    let &[answers, duration_us, p50_us, p99_us, refused, broken, sent, exhausted] = &numbers[..]
    else {
        bail!("expected eight numbers from wrk, got {line:?}");
    };
    Ok(Parsed {
        answers,
        seconds: duration_us as f64 / 1e6,
        p50_ms: p50_us as f64 / 1e3,
        p99_ms: p99_us as f64 / 1e3,
        refused,
        broken,
        sent,
        is_exhausted: exhausted > 0,
    })
}
