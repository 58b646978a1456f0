//! `probity demo`: the real binary runs to the end and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use unicode_width::UnicodeWidthStr as _;

/// The demo, with a temporary folder of its own that shows what it leaves behind.
fn demo(args: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
    command.arg("demo").args(args).env("TMPDIR", temporary).env_remove("RUST_LOG");
    command.stdin(Stdio::null());
    command
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// Ends what a failed test leaves running.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs what a shell would that it was pasted into, with the official SDK's Python where it is installed.
fn paste(text: &str) -> String {
    let mut path = python().parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", text]).env("PATH", path).stdin(Stdio::null());
    shell.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = shell.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{out}\n{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Where `./check` installs the official Python SDK.
fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/python/bin/python3")
}

/// Whether Python's SDK is there. Says so where not, and fails when all has to be tested.
fn has_python() -> bool {
    let is_demanded = ["DEMANDED", "CI"].iter().any(|name| std::env::var_os(name).is_some());
    let is_there = python().exists();
    assert!(is_there || !is_demanded, "Python's SDK is missing");
    if !is_there {
        eprintln!("not tried: the snippet for Python's SDK, which is missing");
    }
    is_there
}

#[test]
fn once_plays_everything_and_checks_it() {
    let temporary = tempfile::tempdir().unwrap();
    let output = demo(&["--once"], temporary.path()).output().unwrap();
    let (printed, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{printed}\n{errors}");
    assert_eq!(errors, "");

    let lines: Vec<&str> = printed.lines().collect();
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("hirer → Probity     POST /api/v1/tenants/…/orders "), 3, "{printed}");
    assert_eq!(count("Probity → vendor    hire.eco_account.created_v1"), 2, "{printed}");
    assert_eq!(count("Probity → vendor    hire.eco_background_check.created_v1"), 3, "{printed}");
    assert_eq!(count("vendor → Probity    POST …/update_progress"), 2, "{printed}");
    assert_eq!(count("vendor → Probity    POST …/update_result"), 2, "{printed}");
    assert_eq!(count("Probity → vendor    GET /reports/"), 2, "{printed}");
    assert_eq!(count("hirer → Probity     POST …/orders/…/approve"), 1, "{printed}");
    assert_eq!(count("ok  order "), 3, "{printed}");
    assert_eq!(count("ok  tenant "), 2, "{printed}");
    assert!(!printed.contains('\u{1b}'), "colour in a pipe");
    let long = lines.iter().find(|line| line.width() > 80 && !line.starts_with("  data "));
    assert_eq!(long, None);
    assert!(is_empty(temporary.path()), "the data folder is left");
}

#[test]
fn it_waits_with_commands_that_work_and_ends_by_ctrl_c() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = demo(&[], temporary.path());
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut printed = String::new();
    for line in lines.by_ref() {
        printed.push_str(&line);
        printed.push('\n');
        if line.contains("Ctrl-C") {
            break;
        }
    }
    let commands = |action: &str| {
        let action = format!(" order {action} ");
        printed
            .split("\n\n")
            .find(|block| block.contains(&action) && block.contains("--key "))
            .unwrap()
    };
    assert!(paste(commands("approve")).contains("completed (3)"));
    assert!(paste(commands("show")).contains("arranged (2)"));

    // Both return the same result, so that each is answered 0 whichever comes first.
    let has_python = has_python();
    let (_, python) = printed.split_once("\npip install lark-oapi\n").unwrap();
    let (python, _) = python.split_once("\nEOF\n").unwrap();
    if has_python {
        let answer = paste(&format!("{python}\nEOF"));
        assert!(answer.starts_with("0 success 20"), "{answer}");
    }
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if has_curl {
        let curl = printed.split("\n\n").find(|block| block.starts_with("curl ")).unwrap();
        assert_eq!(paste(curl), r#"{"code":0,"msg":"success","data":{}}"#);
    }
    if has_python || has_curl {
        let shown = paste(commands("show"));
        assert!(shown.contains("completed (3)") && shown.contains("无差异"), "{shown}");
    }

    assert!(!is_empty(temporary.path()));
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(lines.any(|line| line.contains("data is removed")));
    assert!(is_empty(temporary.path()), "the data folder is left");
}

#[test]
fn two_demos_at_a_time_find_a_port_each() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let running = folders.each_ref().map(|folder| {
        let mut command = demo(&["--once"], folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}
