//! The deep check, seen from the server: a child process, this program under a hidden command ([`super::child`]),
//! parses a stored content. One or two live at once, which bounds memory; a child that fails, is killed or is late is
//! a finding.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use system::clock::socket_now;
use system::handles;
use system::load_shedder::{CallRate, LoadShedder, Permit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use super::finding::{Finding, Findings};

/// The hidden command under which the program is the child.
pub const PARSER_COMMAND: &str = "inspect-report";
/// The flag of that command under which the child takes only the processor time that nobody else wants.
pub const IDLE_FLAG: &str = "--idle";

/// How long a child may take for a piece, and for its answer after the last one. What a hostile content meets is the
/// limit on its child's processor time; this one is for a machine on which that takes long.
const WALL: Duration = Duration::from_secs(60);
/// The same for an idle child, whose content comes again.
const IDLE_WALL: Duration = Duration::from_secs(10);
/// How long no child is idle after one that got too little: others want all of the machine.
const STARVED: Duration = Duration::from_secs(300);
/// The longest pause between two children while calls come: they then work a twelfth of the time.
const REST_MAX: Duration = Duration::from_millis(300);
/// Children at once, whatever the machine: together they take no more than 512 MiB.
const CHILDREN_MAX: usize = 2;
const ANSWER_BYTES_MAX: u64 = 4_096;

/// The deep check as it is set. Clones share the places.
#[derive(Debug, Clone)]
pub struct SandboxedParser {
    program: PathBuf,
    wall: Duration,
    load_shedder: LoadShedder,
    /// When an idle child got too little last.
    starved_at: Arc<Mutex<Option<Instant>>>,
}

/// Why a deep check has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParserError {
    /// The child could not be started.
    #[error("the child could not be started")]
    NotStarted,
    /// There was no file handle, memory or process for the child, which says nothing about the content.
    #[error("the server had no file handle, memory or process for the child")]
    OutOfResources,
    /// The child was killed by a signal: its limits, or its own fault.
    #[error("the child was killed by signal {0}")]
    Killed(i32),
    /// The child ended with another status than 0.
    #[error("the child ended with status {0}")]
    Ended(i32),
    /// No answer in time.
    #[error("the child did not answer in time")]
    TooSlow,
    /// No answer in time of an idle child, which says nothing about the content.
    #[error("the child got too little of the processor")]
    Starved,
    /// An answer of another shape.
    #[error("the child's answer was not as expected")]
    Answer,
}

impl ParserError {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            ParserError::NotStarted => "not_started",
            ParserError::OutOfResources => "out_of_resources",
            ParserError::Killed(_) => "killed",
            ParserError::Ended(_) => "ended",
            ParserError::TooSlow => "too_slow",
            ParserError::Starved => "starved",
            ParserError::Answer => "answer",
        }
    }

    /// Whether it says nothing about the content, so that a later check may. Of signals these are the ones that
    /// somebody sends; a content ends its child by others.
    #[must_use]
    pub fn is_ours(self) -> bool {
        let sent = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::PIPE];
        let sent_too = [Signal::USR1, Signal::USR2, Signal::ALARM];
        match self {
            ParserError::OutOfResources | ParserError::Starved => true,
            ParserError::Killed(signal) => {
                sent.iter().chain(&sent_too).any(|sent| sent.as_raw() == signal)
            }
            ParserError::NotStarted
            | ParserError::Ended(_)
            | ParserError::TooSlow
            | ParserError::Answer => false,
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) findings: BTreeSet<String>,
}

impl From<Findings> for Answer {
    fn from(findings: Findings) -> Answer {
        Answer { findings: findings.iter().map(|finding| finding.code().to_owned()).collect() }
    }
}

impl Answer {
    fn findings(&self) -> Option<Findings> {
        self.findings.iter().map(|code| Finding::from_code(code)).collect()
    }
}

impl SandboxedParser {
    /// A check by `program`, an absolute path to this one.
    #[must_use]
    pub fn by(program: &Path) -> SandboxedParser {
        let (program, load_shedder) =
            (program.to_owned(), LoadShedder::new(None).at_most(CHILDREN_MAX));
        SandboxedParser { program, wall: WALL, load_shedder, starved_at: Arc::default() }
    }

    /// The same; while calls come, it rests between contents.
    pub fn behind(self, call_rate: &CallRate) -> SandboxedParser {
        let load_shedder = LoadShedder::new(Some(call_rate)).at_most(CHILDREN_MAX);
        SandboxedParser { load_shedder: load_shedder.pausing_at_most(REST_MAX), ..self }
    }

    /// The same with another time limit.
    #[must_use]
    pub fn within(self, wall: Duration) -> SandboxedParser {
        SandboxedParser { wall, ..self }
    }

    /// Starts a child for one content, once a place is free, within the runtime; a failure shows at the end.
    pub async fn start(&self, may_idle: bool) -> Running {
        let permit = self.load_shedder.permit().await;
        let is_idle = may_idle && self.load_shedder.is_pausing() && !self.has_starved();
        let started = Command::new(&self.program)
            .arg(PARSER_COMMAND)
            .args(is_idle.then_some(IDLE_FLAG))
            // The environment holds keys, and a child has no use for it. The allocator would set aside more
            // addresses than the child may have.
            .env_clear()
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .current_dir("/")
            // What is sent to the server's group, as by Ctrl-C or a closed terminal, is not meant for it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let (child, input) = match started {
            Ok(mut child) => {
                let input = child.stdin.take();
                (Ok(child), input)
            }
            Err(error) => {
                tracing::error!(%error, "a report is not checked deeply");
                let is_want = handles::is_want(&error);
                let failure =
                    if is_want { ParserError::OutOfResources } else { ParserError::NotStarted };
                (Err(failure), None)
            }
        };
        Running { check: self.clone(), is_idle, child, input, is_stuck: false, _permit: permit }
    }

    fn has_starved(&self) -> bool {
        self.starved_at().is_some_and(|at| at.elapsed() < STARVED)
    }

    fn starved_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.starved_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child at work. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    check: SandboxedParser,
    is_idle: bool,
    /// Or why there is none.
    child: Result<Child, ParserError>,
    /// None once it takes nothing more.
    input: Option<ChildStdin>,
    is_stuck: bool,
    _permit: Permit,
}

impl Running {
    /// Hands on the next piece. A child that takes no more is found out at the end.
    pub async fn take(&mut self, piece: &Bytes) {
        let wall = self.wall();
        let Some(input) = &mut self.input else { return };
        match tokio::time::timeout(wall, input.write_all(piece)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.input = None,
            Err(_) => {
                self.is_stuck = true;
                self.input = None;
            }
        }
    }

    /// What the child found in the whole.
    pub async fn finish(mut self) -> Result<Findings, ParserError> {
        let mut child = std::mem::replace(&mut self.child, Err(ParserError::NotStarted))?;
        if self.is_stuck {
            return Err(self.too_slow());
        }
        drop(self.input.take());
        match tokio::time::timeout(self.wall(), answer(&mut child)).await {
            Ok(Ok((status, text))) => check(status, &text),
            Ok(Err(error)) if handles::is_want(&error) => Err(ParserError::OutOfResources),
            Ok(Err(_)) => Err(ParserError::Answer),
            Err(_) => Err(self.too_slow()),
        }
    }

    fn wall(&self) -> Duration {
        if self.is_idle { self.check.wall.min(IDLE_WALL) } else { self.check.wall }
    }

    fn too_slow(&self) -> ParserError {
        if !self.is_idle {
            return ParserError::TooSlow;
        }
        *self.check.starved_at() = Some(socket_now());
        ParserError::Starved
    }
}

/// How the child ended, and what it said.
async fn answer(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        // What is longer breaks the child's pipe.
        output.take(ANSWER_BYTES_MAX).read_to_end(&mut text).await?;
    }
    Ok((child.wait().await?, text))
}

fn check(status: ExitStatus, text: &[u8]) -> Result<Findings, ParserError> {
    if let Some(signal) = status.signal() {
        return Err(ParserError::Killed(signal));
    }
    if !status.success() {
        return Err(ParserError::Ended(status.code().unwrap_or(-1)));
    }
    let answer: Answer = serde_json::from_slice(text).map_err(|_| ParserError::Answer)?;
    answer.findings().ok_or(ParserError::Answer)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A program that behaves as `script` says; the real child is tested with the whole program.
    fn program(script: &str) -> (tempfile::TempDir, SandboxedParser) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("child");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let check = SandboxedParser::by(&program).within(Duration::from_secs(1));
        (folder, check)
    }

    async fn run(check: &SandboxedParser) -> Result<Findings, ParserError> {
        let mut running = check.start(true).await;
        let piece = Bytes::from(vec![b'x'; 100_000]);
        for _ in 0..5 {
            running.take(&piece).await;
        }
        running.finish().await
    }

    async fn check(script: &str) -> Result<Findings, ParserError> {
        let (_folder, check) = program(script);
        run(&check).await
    }

    #[tokio::test]
    async fn a_child_answers_in_one_line() {
        let read = "/bin/cat >/dev/null;";
        let found = check(&format!(r#"{read} echo '{{"findings":["script","xfa"]}}'"#)).await;
        let expected: Findings = [Finding::Script, Finding::Xfa].into_iter().collect();
        assert_eq!(found, Ok(expected));
        assert_eq!(check(&format!(r#"{read} echo '{{"findings":[]}}'"#)).await, Ok(Findings::NONE));
    }

    #[tokio::test]
    async fn a_child_that_fails_is_told_by_its_failure() {
        let read = "/bin/cat >/dev/null;";
        for (script, expected) in [
            ("exit 3".to_owned(), ParserError::Ended(3)),
            ("kill -9 $$".to_owned(), ParserError::Killed(9)),
            (format!("{read} kill -11 $$"), ParserError::Killed(11)),
            (format!("{read} echo hello"), ParserError::Answer),
            (read.to_owned(), ParserError::Answer),
            (format!(r#"{read} echo '{{"findings":["unheard"]}}'"#), ParserError::Answer),
            (format!(r#"{read} echo '{{"findings":[],"more":1}}'"#), ParserError::Answer),
            // Neither reads nor ends; reads and does not end.
            ("while :; do :; done".to_owned(), ParserError::TooSlow),
            (format!("{read} while :; do :; done"), ParserError::TooSlow),
        ] {
            assert_eq!(check(&script).await, Err(expected), "{script}");
        }
        let missing = SandboxedParser::by(Path::new("/nowhere/probity")).start(true).await;
        assert_eq!(missing.finish().await, Err(ParserError::NotStarted));
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut() {
        let found = check("/bin/cat >/dev/null; while :; do echo xxxxxxxxxxxxxxxx; done").await;
        assert!(
            matches!(
                found,
                Err(ParserError::Killed(_) | ParserError::Ended(_) | ParserError::TooSlow)
            ),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn a_child_that_starts_while_many_calls_come_is_idle() {
        let (call_rate, idle) = (CallRate::default(), [Finding::Xfa].into_iter().collect());
        let script = |when_idle: &str| {
            format!(
                r#"/bin/cat >/dev/null; if test "$*" = "inspect-report --idle"; then {when_idle}; else
                test "$*" = inspect-report && echo '{{"findings":[]}}'; fi"#
            )
        };
        let (_folder, check) = program(&script(r#"echo '{"findings":["xfa"]}'"#));
        let check = check.behind(&call_rate);
        assert_eq!(run(&check).await, Ok(Findings::NONE));
        let is_over = Arc::new(AtomicBool::new(false));
        let (calls, until) = (call_rate.clone(), Arc::clone(&is_over));
        let calling = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                calls.call_came();
            }
        });
        while !LoadShedder::new(Some(&call_rate)).is_pausing() {
            tokio::task::yield_now().await;
        }
        assert_eq!(run(&check).await, Ok(idle));

        // What it could not do in time says nothing about the content, and the next one is not idle.
        let (_folder, check) = program(&script("while :; do :; done"));
        let check = check.behind(&call_rate);
        assert_eq!(run(&check).await, Err(ParserError::Starved));
        assert_eq!(run(&check).await, Ok(Findings::NONE));
        is_over.store(true, Ordering::Relaxed);
        calling.join().unwrap();
    }

    #[tokio::test]
    async fn a_child_sees_nothing_of_the_environment() {
        let script = r#"/bin/cat >/dev/null
            test -z "$HOME$USER$CARGO$PROBITY_ROOT_KEY$DATABASE_URL" && test "$PWD" = / && echo '{"findings":[]}'"#;
        assert_eq!(check(script).await, Ok(Findings::NONE));
    }
}
