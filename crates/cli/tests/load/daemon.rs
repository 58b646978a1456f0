//! `probity serve` as a child process on a data folder that outlives it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::call::Door;
use super::{now, number, pause, until};

/// How a server is started, again and again on the same memory.
pub(crate) struct Setup {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Where its stderr is stored.
    pub(crate) log: PathBuf,
    /// PostgreSQL instead of SQLite.
    pub(crate) database_url: Option<String>,
    /// The program; another build of it for comparisons.
    pub(crate) program: String,
    /// Programs before `probity`, for instance a tracer.
    pub(crate) wrapper: Vec<String>,
    http: reqwest::Client,
}

/// A server that runs.
pub(crate) struct Daemon {
    child: Child,
    /// `http://127.0.0.1:…`
    pub(crate) url: String,
    /// From its start until `/readyz` answered 200.
    pub(crate) ready_after: Duration,
    http: reqwest::Client,
    _stdout: BufReader<ChildStdout>,
}

impl Setup {
    /// SQLite in `folder/data`, the log beside it.
    pub(crate) fn new(folder: &std::path::Path) -> Setup {
        Setup {
            data: folder.join("data"),
            log: folder.join("server.log"),
            database_url: None,
            program: env!("CARGO_BIN_EXE_probity").to_owned(),
            wrapper: Vec::new(),
            http: http(),
        }
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead, or is not ready within 30 s.
    pub(crate) async fn start(&self) -> Daemon {
        let begin = now();
        let Ok(mut daemon) = self.spawn().await else {
            panic!("the server ended before it listened:\n{}", self.log_tail());
        };
        let begun = begin.elapsed();
        let door = daemon.door();
        let ready = until("readiness", Duration::from_secs(30), async || {
            if let Some(status) = daemon.ended() {
                panic!("the server ended before it was ready ({status}):\n{}", self.log_tail());
            }
            door.is_ready().await == Some(true)
        });
        daemon.ready_after = begun + ready.await;
        daemon
    }

    /// Starts the server and waits until it listens; its exit status when it ends before.
    pub(crate) async fn spawn(&self) -> Result<Daemon, ExitStatus> {
        let log = std::fs::OpenOptions::new().append(true).create(true).open(&self.log).unwrap();
        let mut line = self.wrapper.iter().chain([&self.program]);
        let mut command = Command::new(line.next().unwrap());
        for (name, _) in std::env::vars() {
            if name.starts_with("PROBITY_") {
                command.env_remove(name);
            }
        }
        // A few keys make all calls of a test.
        command.env("PROBITY_KEY_CALLS_PER_MINUTE", "0");
        command.args(line).arg("serve").arg("--data").arg(&self.data);
        command.args(["--listen", "127.0.0.1:0", "--allow-outbound", "127.0.0.1"]);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let listening = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (line, stdout)
        });
        let (line, stdout) = listening.await.unwrap();
        let Some(url) = line.strip_prefix("listening on ") else {
            assert_eq!(line, "", "expected the address as the first line");
            return Err(child.wait().unwrap());
        };
        Ok(Daemon {
            child,
            url: url.trim_end().to_owned(),
            ready_after: Duration::ZERO,
            http: self.http.clone(),
            _stdout: stdout,
        })
    }

    /// The operator's key, which the first start made.
    pub(crate) fn operator_key(&self) -> String {
        std::fs::read_to_string(self.data.join("operator.key")).unwrap().trim().to_owned()
    }

    /// The end of what the servers logged.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Asserts that no server panicked.
    pub(crate) fn assert_no_panic(&self) {
        let log = std::fs::read_to_string(&self.log).unwrap();
        assert!(!log.contains("panicked"), "a server panicked:\n{}", self.log_tail());
    }
}

impl Daemon {
    /// The way in.
    pub(crate) fn door(&self) -> Door {
        Door { url: self.url.clone(), http: self.http.clone() }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended, and how.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        signal("TERM", self.id());
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// When it has not ended after `at_most`.
    pub(crate) async fn wait(&mut self, at_most: Duration) -> (ExitStatus, Duration) {
        let begin: Instant = now();
        loop {
            if let Some(status) = self.ended() {
                return (status, begin.elapsed());
            }
            assert!(begin.elapsed() < at_most, "the server has not ended after {at_most:?}");
            pause(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(name: &str, id: u32) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status();
    assert!(sent.unwrap().success(), "signal {name} could not be sent");
}

/// The longest that a start may take until `/readyz` answers 200; `READY_MS_MAX` for slower machines.
pub(crate) fn ready_at_most() -> Duration {
    Duration::from_millis(number("READY_MS_MAX", 2_000))
}

fn http() -> reqwest::Client {
    // Whoever came first has set it, with the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}
