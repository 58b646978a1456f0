//! Starts the program that drives Chromium, and reads what it found.

pub(crate) mod scene;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Where the packages are that drive the browser.
pub(crate) struct Driver {
    packages: PathBuf,
}

/// The driver, where browser and packages are installed.
pub(crate) fn find_chromium() -> Option<Driver> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let packages = root.join(".cache/browser");
    let is_there = Path::new("/usr/bin/chromium").exists()
        && packages.join("node_modules/playwright-core").exists()
        && packages.join("node_modules/axe-core").exists();
    is_there.then_some(Driver { packages })
}

/// Runs a script of this folder.
///
/// # Panics
/// With everything that it found, when that is a fault.
pub(crate) fn run(driver: &Driver, script: &str, task: &Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let mut child = Command::new("node")
        .arg(script)
        .arg(&driver.packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .env("NO_PROXY", "127.0.0.1,localhost")
        .spawn()
        .expect("node starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(task.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    let faults: Vec<_> = said.lines().filter(|line| line.starts_with("fault ")).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(said.ends_with("done\n"), "the driver did not come to its end");
}
