//! A network of the test's own, in which every address of the world is this machine's: so that an address that is
//! refused would have been reached.
//!
//! A test that needs it runs once more, as a child of its own in new namespaces, and there finds itself inside.

use std::path::Path;
use std::process::Command;

/// Says to the child that it is inside.
const INSIDE: &str = "PROBITY_TEST_INSIDE";
/// What resolves names inside.
const RESOLVER: &str = "nameserver 127.0.0.1\noptions edns0 timeout:2 attempts:2\n";
/// Whom the resolver asks: no daemon of the machine, which would ask outside.
const SOURCES: &str = "hosts: files dns\n";
/// A proxy that must not be used.
const PROXY: &str = "http://10.99.99.99:8443";

/// True inside. Outside the test `name` is run inside, and false says that this was all.
///
/// # Panics
/// When the child fails; when namespaces cannot be made although they are demanded.
pub(crate) fn enter(name: &str) -> bool {
    if std::env::var(INSIDE).is_ok() {
        set_up();
        return true;
    }
    if let Err(why) = check() {
        assert!(!super::super::harness::is_demanded(), "a network namespace is demanded: {why}");
        eprintln!("skipped: no network namespace: {why}");
        return false;
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--propagation", "private", "--"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(INSIDE, "1");
    for proxy in
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        command.env(proxy, PROXY);
    }
    // For the tests' own callers of the server.
    command.env("NO_PROXY", "127.0.0.1");
    let status = command.status().unwrap();
    assert!(status.success(), "inside of the namespace: {status}");
    false
}

/// Whether namespaces can be made here.
fn check() -> Result<(), String> {
    let tried = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--propagation",
            "private",
            "--",
            "ip",
            "link",
            "set",
            "lo",
            "up",
        ])
        .output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("unshare: {error}")),
    }
}

fn set_up() {
    run("ip", &["link", "set", "lo", "up"]);
    run("ip", &["route", "add", "local", "0.0.0.0/0", "dev", "lo"]);
    run("ip", &["-6", "route", "add", "local", "::/0", "dev", "lo"]);
    put_over("/etc/resolv.conf", RESOLVER);
    if Path::new("/etc/nsswitch.conf").exists() {
        put_over("/etc/nsswitch.conf", SOURCES);
    }
}

/// Lets a file of the machine have this content in here.
fn put_over(path: &str, content: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, content).unwrap();
    let mounted = Path::new(path).canonicalize().unwrap();
    run("mount", &["--bind", file.to_str().unwrap(), mounted.to_str().unwrap()]);
    // The mount keeps the file, its folder may go.
    assert_eq!(std::fs::read_to_string(path).unwrap(), content);
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}
