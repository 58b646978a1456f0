//! The deep check as the program does it: what the child may, what it finds, and that files made to exhaust or break
//! a parser harm nobody but the child.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "inspect/bombs.rs"]
mod bombs;
#[path = "inspect/file.rs"]
mod file;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use file::{File, sound_files};
use inspect::{Finding, IDLE_FLAG, PARSER_COMMAND, ParserError, SandboxedParser};

const PROGRAM: &str = env!("CARGO_BIN_EXE_probity");

async fn check(content: &[u8]) -> Result<Vec<Finding>, ParserError> {
    let mut running = SandboxedParser::by(Path::new(PROGRAM)).start(false).await;
    for piece in content.chunks(64 * 1024) {
        running.take(&piece.to_vec().into()).await;
    }
    running.finish().await.map(|found| found.iter().collect())
}

#[tokio::test]
async fn sound_files_call_for_no_caution() {
    for (name, content) in sound_files() {
        assert_eq!(check(&content).await, Ok(vec![]), "{name}");
    }
}

#[tokio::test]
async fn what_acts_is_found_also_where_it_is_packed() {
    use Finding::*;
    let drawn = |file: File| file.stream(4, "", b"x");
    let packed = {
        let member = "6 0 << /S /JavaScript /JS (app.alert()) >>";
        let data = file::flate(format!("{member}{}", " ".repeat(500)).as_bytes());
        let file = drawn(File::sound("/OpenAction 6 0 R"));
        let file = file.stream(5, "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", &data);
        let (table, rows) = (file.place(), file.rows(&[(6, 5)]));
        file.stream(7, "/Type /XRef /Size 8 /W [1 4 2] /Root 1 0 R", &rows).end_at(table, "")
    };
    assert!(
        !packed.windows(10).any(|bytes| bytes == b"JavaScript"),
        "hidden from a look at the bytes"
    );
    for (content, expected) in [
        (packed, vec![Script, OpenAction]),
        (drawn(File::sound("/OpenAction << /S /URI /URI (x) >>")).end(), vec![OpenAction]),
        (drawn(File::sound("/OpenAction << /S /GoTo /D [3 0 R /Fit] >>")).end(), vec![]),
        (
            drawn(File::sound("/AA << /WC << /S /Launch /F (x) >> >>")).end(),
            vec![Launch, OpenAction],
        ),
        (drawn(File::sound("/Names << /EmbeddedFiles << >> >>")).end(), vec![Attachment]),
        (drawn(File::sound("/AcroForm << /XFA [(a) 3 0 R] >>")).end(), vec![Xfa]),
        (drawn(File::sound("")).object(5, "<< /Subtype /RichMedia >>").end(), vec![RichMedia]),
        (drawn(File::sound("")).object(5, "<< /#4a#53 (x) >>").end(), vec![Script]),
        (
            drawn(File::sound(""))
                .object(
                    5,
                    format!(
                        "<< /Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}> >>",
                        "5a".repeat(32)
                    ),
                )
                .end_with("/Encrypt 5 0 R /ID [<00> <00>]"),
            vec![Encrypted],
        ),
    ] {
        let shown = String::from_utf8_lossy(&content).into_owned();
        assert_eq!(check(&content).await, Ok(expected), "{shown}");
    }
}

#[tokio::test]
async fn broken_files_are_odd() {
    let sound = File::sound("").stream(4, "", b"x").end();
    let text = String::from_utf8(sound[16..].to_vec()).unwrap();
    let without_table = text.replace("startxref", "startxxxx");
    for content in [
        b"%PDF-1.7\n%%EOF".to_vec(),
        b"".to_vec(),
        [&sound[..16], without_table.as_bytes()].concat(),
        sound[..sound.len() / 2].to_vec(),
    ] {
        assert_eq!(check(&content).await, Ok(vec![Finding::OddStructure]));
    }
}

#[tokio::test]
async fn bombs_are_suspect_and_harm_only_the_child() {
    let mut ends = HashMap::new();
    let mut suspect = 0;
    for (name, content) in bombs::bombs() {
        let begun = system::clock::socket_now();
        let checked = check(&content).await;
        let took_ms = begun.elapsed().as_millis();
        let is_suspect = match &checked {
            Ok(found) => found.contains(&Finding::OddStructure),
            Err(_) => true,
        };
        println!("{name}: {} bytes, {took_ms} ms, {checked:?}", content.len());
        assert!(took_ms < 15_000, "{name} took {took_ms} ms");
        suspect += usize::from(is_suspect);
        ends.insert(name, is_suspect);
        // The next one is checked as if nothing had been.
    }
    assert_eq!(check(&sound_files()[0].1).await, Ok(vec![]));
    println!("{suspect} of {} bombs are suspect", ends.len());
    let unseen: Vec<_> = ends.iter().filter(|(_, is_suspect)| !**is_suspect).collect();
    assert!(suspect >= 20, "taken for sound: {unseen:?}");
}

#[test]
fn the_child_gives_up_what_it_does_not_need() {
    // The scheduling policies SCHED_OTHER and SCHED_IDLE.
    gives_up(&[], "0");
    gives_up(&[IDLE_FLAG], "5");
}

/// What the system says about a child that waits for its input.
fn gives_up(flags: &[&str], policy: &str) {
    let mut child = Command::new(PROGRAM)
        .arg(PARSER_COMMAND)
        .args(flags)
        .env_clear()
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let folder = format!("/proc/{}", child.id());
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    // The last of its limits is on file handles.
    let limit = |limits: &str, name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let deadline = system::clock::socket_now() + std::time::Duration::from_secs(10);
    let limits = loop {
        let limits = read("limits");
        if limit(&limits, "Max open files") == ["0", "0"] {
            break limits;
        }
        assert!(system::clock::socket_now() < deadline, "not limited in time:\n{limits}");
        std::thread::yield_now();
    };
    for (name, expected) in [
        ("Max address space", (256 << 20).to_string()),
        ("Max cpu time", "5".to_owned()),
        ("Max file size", "0".to_owned()),
        ("Max processes", "0".to_owned()),
        ("Max core file size", "0".to_owned()),
    ] {
        assert_eq!(limit(&limits, name), [expected.clone(), expected], "{name}");
    }
    // Fields 19 and 41 of proc_pid_stat(5), counted behind the name: niceness and policy.
    let stat = read("stat");
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    assert_eq!((fields[16], fields[38]), ("19", policy), "{stat}");
    let status = read("status");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let size_kib = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size_kib: u64 = size_kib.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(
        size_kib < 160 << 10,
        "nothing is set aside that the limit would not see: {size_kib} KiB"
    );
    // A filter where the kernel has filters: 2 in proc(5).
    let can_filter = std::path::Path::new("/proc/sys/kernel/seccomp/actions_avail").exists();
    let until_filtered = || read("status").contains("Seccomp:\t2");
    while can_filter && !until_filtered() {
        assert!(system::clock::socket_now() < deadline, "not confined in time");
        std::thread::yield_now();
    }
    let network = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).unwrap();
    let is_root = std::fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0\t");
    if is_root {
        assert_ne!(network(&child.id().to_string()), network("self"), "a network of its own");
    } else {
        eprintln!("not root: whether the child has a network of its own depends on the system");
    }

    let mut input = child.stdin.take().unwrap();
    input.write_all(&sound_files()[0].1).unwrap();
    drop(input);
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "{\"findings\":[]}\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_child_dies_with_its_server() {
    // A shell that starts the child and is killed at once: what it leaves has its input still open.
    let mut server = Command::new("/bin/sh")
        .args(["-c", &format!("{PROGRAM} {PARSER_COMMAND} <&0 & echo $!; wait")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut output = server.stdout.take().unwrap();
    while said.last() != Some(&b'\n') {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        said.extend(byte);
    }
    let pid = String::from_utf8(said).unwrap().trim().to_owned();
    let status = || std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let deadline = system::clock::socket_now() + std::time::Duration::from_secs(10);
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(system::clock::socket_now() < deadline, "{what}: {}", status());
            std::thread::yield_now();
        }
    };
    until("the child is ready", &|| status().contains("NoNewPrivs:\t1") && is_limited(&pid));
    server.kill().unwrap();
    server.wait().unwrap();
    until("the child is gone", &|| {
        let status = status();
        status.is_empty() || status.contains("State:\tZ")
    });
}

fn is_limited(pid: &str) -> bool {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    line["Max open files".len().min(line.len())..].split_whitespace().next() == Some("0")
}
