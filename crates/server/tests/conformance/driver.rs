//! The tests' side of the drivers around the official SDKs; README.md beside it has the protocol.
//!
//! A [`Driver`] owns one child process. Its stdout is read by a thread that sorts the lines into
//! answers, events and served requests; its stderr is stored to explain a failure. The child is
//! killed when the driver is dropped. The SDKs cache tokens per process without looking at the
//! domain, so each server under test gets a driver of its own.
//!
//! Include it in a test with `#[path = "conformance/driver.rs"] mod driver;`.

#![allow(dead_code, reason = "each test binary that includes this module uses a part of it")]

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long an answer or an event may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const STDERR_LINES_MAX: usize = 60;

/// An official SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sdk {
    Python,
    Node,
}

/// One running driver process.
pub(crate) struct Driver {
    pub(crate) sdk: Sdk,
    child: Child,
    stdin: ChildStdin,
    answers: UnboundedReceiver<Value>,
    events: UnboundedReceiver<Value>,
    served: UnboundedReceiver<Value>,
    lines: UnboundedReceiver<Value>,
    stderr: Arc<Mutex<VecDeque<String>>>,
}

impl Driver {
    /// Starts a driver, or says what is missing and how to install it.
    pub(crate) fn start(sdk: Sdk) -> Result<Self, String> {
        let mut command = sdk.program("driver")?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Both SDKs honour the environment's proxies; the server under test is on the loopback.
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("no_proxy", "127.0.0.1,localhost")
            .spawn()
            .map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let errors = child.stderr.take().expect("stderr is piped");

        let (to_answers, answers) = unbounded_channel();
        let (to_events, events) = unbounded_channel();
        let (to_served, served) = unbounded_channel();
        let (to_lines, lines) = unbounded_channel();
        std::thread::spawn(move || {
            let routes = [
                ("answer", to_answers),
                ("event", to_events),
                ("served", to_served),
                ("line", to_lines),
            ];
            sort_lines(BufReader::new(stdout), &routes);
        });

        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let stored = Arc::clone(&stderr);
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                let mut stored = stored.lock().expect("no holder of this lock panics");
                if stored.len() == STDERR_LINES_MAX {
                    stored.pop_front();
                }
                stored.push_back(line);
            }
        });

        Ok(Self { sdk, child, stdin, answers, events, served, lines, stderr })
    }

    /// Points the SDK at a server, as one app. `domain`: scheme, host and port, no slash at the end.
    pub(crate) async fn configure(&mut self, domain: &str, app_id: &str, app_secret: &str) {
        let command = json!({
            "do": "configure", "domain": domain, "app_id": app_id, "app_secret": app_secret,
        });
        let answer = self.send(&command).await;
        assert_eq!(answer["ok"], true, "{:?} refused its configuration: {answer}", self.sdk);
    }

    /// Points the SDK at a server, as one store app.
    pub(crate) async fn configure_store_app(
        &mut self,
        domain: &str,
        app_id: &str,
        app_secret: &str,
    ) {
        let command = json!({
            "do": "configure", "kind": "store", "domain": domain, "app_id": app_id,
            "app_secret": app_secret,
        });
        let answer = self.send(&command).await;
        assert_eq!(answer["ok"], true, "{:?} refused its configuration: {answer}", self.sdk);
    }

    /// One typed call of a store app in a tenant. Python takes the ticket from its caller, Node from its dispatcher.
    pub(crate) async fn call_in_tenant(
        &mut self,
        method: &str,
        body: &Value,
        tenant_key: &str,
        ticket: Option<&str>,
    ) -> Value {
        self.send(&json!({
            "do": "call", "method": method, "body": body, "tenant_key": tenant_key,
            "app_ticket": ticket,
        }))
        .await
    }

    /// One typed call with the SDK's own token. `method`: a name of the README's table.
    pub(crate) async fn call(&mut self, method: &str, body: &Value) -> Value {
        self.send(&json!({ "do": "call", "method": method, "body": body })).await
    }

    /// One typed query with the SDK's own token; the answer's `typed` is its `data` as the SDK gives it.
    pub(crate) async fn query(&mut self, method: &str, params: &Value, body: &Value) -> Value {
        self.send(&json!({ "do": "query", "method": method, "params": params, "body": body })).await
    }

    /// One typed call with the given token, or with no `Authorization` at all.
    pub(crate) async fn call_with_token(
        &mut self,
        method: &str,
        body: &Value,
        token: Option<&str>,
    ) -> Value {
        self.send(&json!({ "do": "call", "method": method, "body": body, "token": token })).await
    }

    /// One call through the SDK's general request function, with any JSON as its body.
    pub(crate) async fn untyped(&mut self, method: &str, path: &str, body: &Value) -> Value {
        self.send(&json!({ "do": "untyped", "method": method, "path": path, "body": body })).await
    }

    /// A token. `kind`: `managed`, `tenant` or `app`.
    pub(crate) async fn token(&mut self, kind: &str) -> Value {
        self.send(&json!({ "do": "token", "kind": kind })).await
    }

    /// Starts a receiver; returns its URL.
    pub(crate) async fn receive(
        &mut self,
        path: &str,
        verification_token: &str,
        encrypt_key: Option<&str>,
    ) -> String {
        self.receive_refusing(path, verification_token, encrypt_key, 0).await
    }

    /// Starts a receiver whose handlers throw for the first events; returns its URL.
    pub(crate) async fn receive_refusing(
        &mut self,
        path: &str,
        verification_token: &str,
        encrypt_key: Option<&str>,
        refuse_first: u32,
    ) -> String {
        let mut command = json!({
            "do": "receive",
            "path": path,
            "verification_token": verification_token,
            "refuse_first": refuse_first,
        });
        if let Some(encrypt_key) = encrypt_key {
            command["encrypt_key"] = json!(encrypt_key);
        }
        let answer = self.send(&command).await;
        let port = answer["port"].as_u64();
        let port = port.unwrap_or_else(|| panic!("{:?} cannot receive: {answer}", self.sdk));
        format!("http://127.0.0.1:{port}{path}")
    }

    /// Opens the process's long connection, with handlers for these events.
    pub(crate) async fn connect(&mut self, domain: &str, event_types: &[&str]) {
        let command = json!({"do": "connect", "domain": domain, "event_types": event_types});
        let answer = self.send(&command).await;
        assert_eq!(answer["ok"], true, "{:?} does not connect: {answer}", self.sdk);
    }

    /// Sets what the long connection's handlers do with the next events: throw, or take their time.
    pub(crate) async fn behave(&mut self, refuse: u32, slow_ms: u32) {
        let answer =
            self.send(&json!({"do": "behave", "refuse": refuse, "slow_ms": slow_ms})).await;
        assert_eq!(answer["ok"], true);
    }

    /// What is reported next of the long connection.
    pub(crate) async fn next_line(&mut self) -> Value {
        let line = next(&mut self.lines).await;
        line.unwrap_or_else(|why| {
            panic!("nothing is told of {:?}'s line: {why}{}", self.sdk, self.last_words())
        })
    }

    /// Sends any command and waits for its answer.
    pub(crate) async fn send(&mut self, command: &Value) -> Value {
        let written = writeln!(self.stdin, "{command}").and_then(|()| self.stdin.flush());
        if let Err(error) = written {
            panic!("cannot write to the {:?} driver: {error}{}", self.sdk, self.last_words());
        }
        let answer = next(&mut self.answers).await;
        answer.unwrap_or_else(|why| {
            panic!("{:?} did not answer {command}: {why}{}", self.sdk, self.last_words())
        })
    }

    /// The next event that a handler got.
    pub(crate) async fn next_event(&mut self) -> Value {
        let event = next(&mut self.events).await;
        event.unwrap_or_else(|why| {
            panic!("no event reached the {:?} SDK: {why}{}", self.sdk, self.last_words())
        })
    }

    /// The next request that a receiver answered, other than a check of its URL.
    pub(crate) async fn next_served(&mut self) -> Value {
        loop {
            let served = next(&mut self.served).await;
            let served = served.unwrap_or_else(|why| {
                panic!("no request reached the {:?} SDK: {why}{}", self.sdk, self.last_words())
            });
            if !served["answer"].to_string().contains("challenge") {
                return served;
            }
        }
    }

    /// The events that are there already, without waiting.
    pub(crate) fn waiting_events(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    fn last_words(&self) -> String {
        let lines = self.stderr.lock().expect("no holder of this lock panics");
        lines.iter().fold("\nits last words:".to_owned(), |all, line| all + "\n  " + line)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself; what matters is that it does not outlive the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sdk {
    /// The command line that starts a program of the folder `conformance`: the SDK's `driver`, or `verify`.
    pub(crate) fn program(self, name: &str) -> Result<Command, String> {
        let root = workspace_root();
        let drivers = root.join("crates/server/tests/conformance");
        let mut command;
        match self {
            Self::Python => {
                let python = installed(self, root.join(".cache/python/bin/python"))?;
                command = Command::new(python);
                command.arg(drivers.join("python").join(name).with_extension("py"));
            }
            Self::Node => {
                let folder = root.join(".cache/node");
                installed(self, folder.join("node_modules/@larksuiteoapi/node-sdk"))?;
                command = Command::new("node");
                command.arg(drivers.join("node").join(name).with_extension("mjs")).arg(folder);
            }
        }
        Ok(command)
    }
}

/// Whether parts that need installed programs must run instead of being skipped.
pub(crate) fn is_demanded() -> bool {
    ["DEMANDED", "CI"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| value == "1" || value == "true"))
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn installed(sdk: Sdk, path: PathBuf) -> Result<PathBuf, String> {
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("the {sdk:?} SDK is not installed at {}: run ./check", path.display()))
    }
}

fn sort_lines(lines: impl BufRead, routes: &[(&str, UnboundedSender<Value>)]) {
    for line in lines.lines().map_while(Result::ok) {
        let Ok(mut message) = serde_json::from_str::<Value>(&line) else { continue };
        for (kind, queue) in routes {
            if let Some(content) = message.get_mut(kind) {
                // The test may be over and nobody listening.
                let _ = queue.send(content.take());
            }
        }
    }
}

async fn next(queue: &mut UnboundedReceiver<Value>) -> Result<Value, String> {
    match tokio::time::timeout(PATIENCE, queue.recv()).await {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err("the driver ended".to_owned()),
        Err(_) => Err(format!("nothing within {} s", PATIENCE.as_secs())),
    }
}
