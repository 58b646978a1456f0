//! docs/quickstart.md, block by block as it stands there, against a fresh server, with each of the two example
//! connectors; and its Chinese twin, which has the same blocks.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::field;
use crate::harness::{World, python};

/// How often a command is repeated until what happens behind it has happened; each time takes some ten milliseconds.
const TRIES_MAX: usize = 2_000;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines of all blocks of shell commands.
fn lines(page: &str) -> Vec<String> {
    let page = std::fs::read_to_string(repository().join("docs").join(page)).unwrap();
    let blocks = page.split("\n```").skip(1).step_by(2);
    let blocks = blocks.map(|block| block.strip_prefix("sh\n").unwrap());
    blocks.flat_map(|block| block.lines().map(str::to_owned)).collect()
}

#[test]
fn both_languages_have_the_same_commands() {
    assert_eq!(lines("quickstart.md"), lines("quickstart.zh-CN.md"));
}

#[test]
fn the_quickstart_works_as_it_stands_with_the_python_connector() {
    let there = python().exists();
    run(Sdk { program: "python3", other: "node ", is_there: there });
}

#[test]
fn the_quickstart_works_as_it_stands_with_the_node_connector() {
    let there = repository().join(".cache/node/node_modules/@larksuiteoapi").exists();
    run(Sdk { program: "node", other: "python3 ", is_there: there });
}

struct Sdk {
    /// What runs the connector.
    program: &'static str,
    /// How the other connector's lines begin.
    other: &'static str,
    is_there: bool,
}

fn run(sdk: Sdk) {
    if !sdk.is_there {
        let is_demanded = ["DEMANDED", "CI"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!is_demanded, "the SDK for {} is missing", sdk.program);
        eprintln!("not tried: the SDK for {} is missing", sdk.program);
        return;
    }
    let mut reader = Reader::new(sdk);
    for line in lines("quickstart.md") {
        reader.follow(&line);
    }
    let expected = ["completed (3)", "terminated (4)", "completed (3)"];
    assert_eq!(reader.ended, expected);
    assert!(reader.printed.contains("127.0.0.1"), "no connection: {}", reader.printed);
}

/// Somebody who does what the page says.
struct Reader {
    sdk: Sdk,
    world: Option<World>,
    connector: Option<Connector>,
    /// What stands for the words in capitals.
    known: Vec<(&'static str, String)>,
    exported: Vec<(String, String)>,
    port: u16,
    /// What the last command printed.
    printed: String,
    /// How the orders ended.
    ended: Vec<String>,
}

impl Reader {
    fn new(sdk: Sdk) -> Reader {
        // A free port now is most likely a free port in a moment.
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        Reader {
            sdk,
            world: None,
            connector: None,
            known: Vec::new(),
            exported: Vec::new(),
            port,
            printed: String::new(),
            ended: Vec::new(),
        }
    }

    fn follow(&mut self, line: &str) {
        // The port first: an id that was printed may have the same four digits in it.
        let line = line.replace("9000", &self.port.to_string());
        let line =
            self.known.iter().rev().fold(line, |line, (word, value)| line.replace(word, value));
        assert!(!line.contains("THE_"), "nobody knows what stands for a word: {line}");
        let flags = "probity serve --data ./data ";
        match () {
            // What `./check` did.
            () if ["cargo ", "pip ", "npm "].iter().any(|start| line.starts_with(start)) => {}
            () if line.starts_with(self.sdk.other) => {}
            () if line.starts_with(flags) => {
                let flags = line.strip_prefix(flags).unwrap().strip_suffix(" &").unwrap();
                self.world = Some(World::start_with(&flags.split(' ').collect::<Vec<_>>()));
            }
            () if line.starts_with("export ") => {
                let pairs = line["export ".len()..].split(' ');
                let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
                self.exported
                    .extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            () if line == "kill %2" => drop(self.connector.take().expect("a connector runs")),
            () if line.starts_with(self.sdk.program) => {
                let url = &self.world.as_ref().unwrap().url;
                self.connector = Some(Connector::start(&line, url, &self.exported));
            }
            () if line.starts_with("probity order show") => {
                let printed = self.until(&line, |printed| {
                    ["completed", "terminated"]
                        .iter()
                        .any(|state| field(printed, "state").starts_with(state))
                });
                self.ended.push(field(&printed, "state").to_owned());
            }
            () if line.starts_with("probity account show") => {
                self.until(&line, |printed| printed.contains("standard"));
            }
            () => {
                self.printed = self.shell(&line);
                self.learn(&line);
            }
        }
    }

    fn shell(&self, line: &str) -> String {
        let tenant = self.exported.iter().find(|(name, _)| name == "PROBITY_TENANT");
        let tenant_key = tenant.map_or("", |(_, value)| value);
        self.world.as_ref().unwrap().shell(line, tenant_key).text()
    }

    /// Repeats a command until it shows what the page says that it will show.
    fn until(&self, line: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut printed = String::new();
        for _ in 0..TRIES_MAX {
            printed = self.shell(line);
            if is_so(&printed) {
                return printed;
            }
        }
        let reported = self.connector.as_ref().map(Connector::reported).unwrap_or_default();
        panic!("{line}: {printed}\nthe connector said:\n{reported}");
    }

    fn learn(&mut self, line: &str) {
        let names: &[(&str, &str)] = match () {
            () if line.starts_with("probity tenant create") => &[("THE_TENANT", "tenant")],
            () if line.starts_with("probity app create") => &[
                ("THE_APP_ID", "app"),
                ("THE_APP_SECRET", "app secret"),
                ("THE_TOKEN", "verification token"),
                ("THE_KEY", "encrypt key"),
            ],
            () if line.starts_with("probity account bind") => &[("THE_ACCOUNT", "account")],
            () if line.starts_with("probity order place") => &[("THE_ORDER", "order")],
            () => &[],
        };
        for (name, label) in names {
            let value = field(&self.printed, label).to_owned();
            self.known.retain(|(known, _)| known != name);
            self.known.push((name, value));
        }
    }
}

/// An example connector that runs, until it is dropped.
struct Connector {
    child: Child,
    reported: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Connector {
    /// Runs the line and waits until the connector says that it is ready.
    fn start(line: &str, domain: &str, exported: &[(String, String)]) -> Connector {
        let line = line.strip_suffix(" &").unwrap();
        let mut words = line.split(' ');
        let program = match words.next().unwrap() {
            "python3" => python(),
            program => PathBuf::from(program),
        };
        let mut command = Command::new(program);
        command.args(words).current_dir(repository()).env("DOMAIN", domain);
        command.envs(exported.iter().map(|(name, value)| (name, value)));
        // Where `./check` installs what `npm install` would.
        command.env("NODE_PATH", repository().join(".cache/node/node_modules"));
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let reported = std::sync::Arc::default();
        let connector = Connector { child, reported: std::sync::Arc::clone(&reported) };
        let is_ready = read_until(&mut stdout, "ready", &reported);
        assert!(is_ready, "not ready:\n{}", connector.reported());
        std::thread::spawn(move || read_until(&mut stdout, "", &reported));
        connector
    }

    fn reported(&self) -> String {
        self.reported.lock().unwrap().clone()
    }
}

/// Notes what comes until a line is `end`; whether it came.
fn read_until(
    stdout: &mut BufReader<ChildStdout>,
    end: &str,
    reported: &std::sync::Mutex<String>,
) -> bool {
    let mut line = String::new();
    while stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
        reported.lock().unwrap().push_str(&line);
        if line.trim_end() == end {
            return true;
        }
        line.clear();
    }
    false
}

impl Drop for Connector {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
