//! The servers that are measured, each a process of its own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::engine::Installation;
use crate::{http, names};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_micros(500);

/// A server that runs until it is stopped; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// Our server as it is shipped: its binary and the installation that it runs on.
pub(crate) struct Probity<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) installation: &'a Installation,
}

impl Running {
    /// Starts the yardstick: this program in its `hello` mode.
    pub(crate) fn hello() -> anyhow::Result<Running> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["hello", &address.to_string()]);
        let mut running = Running { child: command.stdin(Stdio::null()).spawn()?, address };
        running.wait_until(|| http::first_status(address, "t-", 0).is_ok())?;
        Ok(running)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks politely, and waits for the end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        ensure!(asked.success(), "the server cannot be asked to stop");
        let started = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(started.elapsed() < STOP_MAX, "the server does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends it at once (SIGKILL).
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn wait_until(&mut self, is_up: impl Fn() -> bool) -> anyhow::Result<()> {
        let started = Instant::now();
        while !is_up() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at its start: {status}");
            }
            ensure!(started.elapsed() < START_MAX, "the server does not answer");
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Probity<'_> {
    /// Starts it and waits until it takes connections.
    pub(crate) fn start(&self) -> anyhow::Result<Running> {
        let mut running = self.spawn()?;
        let address = running.address;
        running.wait_until(|| std::net::TcpStream::connect(address).is_ok())?;
        Ok(running)
    }

    /// Starts it and makes one real call until it is answered; gives the time from the start to the first line.
    pub(crate) fn start_cold(
        &self,
        token: &str,
        order_id: i64,
    ) -> anyhow::Result<(Running, Duration)> {
        let started = Instant::now();
        let mut running = self.spawn()?;
        let address = running.address;
        loop {
            match http::first_status(address, token, order_id) {
                Ok(200) => return Ok((running, started.elapsed())),
                Ok(status) => bail!("expected the first call to be accepted, got {status}"),
                Err(_) if started.elapsed() < START_MAX => std::thread::sleep(POLL),
                Err(error) => return Err(error).context("the server does not answer"),
            }
            if let Some(status) = running.child.try_wait()? {
                bail!("the server ended at its start: {status}: {}", self.last_words());
            }
        }
    }

    fn spawn(&self) -> anyhow::Result<Running> {
        let address = free_address()?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PROBITY_") {
                command.env_remove(name);
            }
        }
        command.arg("serve").arg("--data").arg(&self.installation.data);
        command.args(["--listen", &address.to_string()]);
        command.env("PROBITY_ROOT_KEY", names::root_key_hex());
        // One key for all calls.
        command.env("PROBITY_KEY_CALLS_PER_MINUTE", "0");
        // The bench's own receiver.
        command.env("PROBITY_ALLOW_OUTBOUND", "127.0.0.1");
        if let Some(url) = &self.installation.database_url {
            command.env("PROBITY_DATABASE_URL", url);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| {
            format!(
                "expected the server at {} (cargo build --profile dist -p cli)",
                self.binary.display()
            )
        })?;
        Ok(Running { child, address })
    }

    /// The last line of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().last().unwrap_or("its log is empty").to_owned()
    }

    fn log(&self) -> PathBuf {
        self.installation.data.join("server.log")
    }
}

/// Tokens of all tenants, in their order.
pub(crate) fn tokens(address: SocketAddr) -> anyhow::Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let ask = || {
        let mut tokens = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= names::TENANTS {
                return anyhow::Ok(tokens);
            }
            let (app_id, secret) = (names::app_id(index).to_string(), names::app_secret(index));
            tokens.push((index, http::tenant_token(address, &app_id, &secret)?));
        }
    };
    let mut tokens = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        let mut tokens = Vec::with_capacity(names::TENANTS);
        for asker in askers {
            tokens.extend(asker.join().expect("asking for tokens does not panic")?);
        }
        anyhow::Ok(tokens)
    })?;
    tokens.sort_unstable();
    Ok(tokens.into_iter().map(|(_, token)| token).collect())
}

/// A port that is free now; whoever starts next gets another one.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
