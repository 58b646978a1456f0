//! Scanners: real programs, and a socket that speaks clamd's protocol.

use std::io;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};

use super::*;

struct Scripted {
    _folder: TempDir,
    scanner: Scanner,
}

fn scripted(script: &str, arguments: &str) -> Scripted {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let scanner = format!("command:{} {arguments}", path.display()).parse().unwrap();
    Scripted { _folder: folder, scanner }
}

async fn scan(scanner: &Scanner, content: &[u8]) -> Result<Verdict, ScanFailure> {
    let mut scan = scanner.start().await?;
    for piece in content.chunks(30_000) {
        scan.take(&Bytes::copy_from_slice(piece)).await?;
    }
    scan.finish().await
}

const GREP: &str = r#"if /bin/grep -q "$1" -; then echo "Test.Word"; exit 1; fi"#;

#[tokio::test]
async fn a_program_checks_what_it_reads() {
    let scripted = scripted(GREP, "EICAR");
    let mut content = vec![b'x'; 500_000];
    assert_eq!(scan(&scripted.scanner, &content).await.unwrap(), Verdict::Clean);
    content.extend_from_slice(b"EICAR");
    let found = scan(&scripted.scanner, &content).await.unwrap();
    assert_eq!(
        (&found, found.to_string().as_str()),
        (&Verdict::Found("Test.Word".to_owned()), "found Test.Word")
    );
}

#[tokio::test]
async fn a_program_that_fails_gives_no_verdict() {
    for script in ["exit 2", "kill -9 $$", "/bin/cat >/dev/null; echo 'no database'; exit 40"] {
        let failed = scan(&scripted(script, "").scanner, &[b'x'; 200_000]).await;
        assert!(matches!(failed, Err(ScanFailure::Failed(_))), "{script}: {failed:?}");
    }
    let missing: Scanner = "command:/nowhere/scan".parse().unwrap();
    assert!(matches!(scan(&missing, b"x").await, Err(ScanFailure::Unreachable(_))));
}

#[tokio::test]
async fn a_program_may_stop_reading_early_and_say_much() {
    let early = scripted("echo found-early; exit 1", "");
    let found = scan(&early.scanner, &[b'x'; 1_000_000]).await.unwrap();
    assert_eq!(found, Verdict::Found("found-early".to_owned()));
    let nameless = scripted("/bin/cat >/dev/null; exit 1", "");
    let found = scan(&nameless.scanner, b"x").await.unwrap();
    assert_eq!(found, Verdict::Found("something without a name".to_owned()));
    // More than a pipe holds, and control characters, before the end.
    let wordy = scripted(
        r#"printf 'a\033[1mb\tc'; i=0; while [ $i -lt 20000 ]; do echo xxxxxxxxxxxxxxxx; i=$((i+1)); done; exit 1"#,
        "",
    );
    let Verdict::Found(name) = scan(&wordy.scanner, &[b'x'; 1_000]).await.unwrap() else {
        panic!("expected a finding")
    };
    assert!(name.starts_with("a [1mb c") && name.chars().count() <= NAME_CHARS_MAX, "{name}");
}

#[tokio::test]
async fn a_program_sees_nothing_of_the_environment() {
    let script = r#"test -z "$HOME$USER$CARGO$PROBITY_ROOT_KEY" && test -n "$PATH""#;
    assert_eq!(scan(&scripted(script, "").scanner, b"x").await.unwrap(), Verdict::Clean);
}

/// What a fake clamd read of one conversation.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    error_after: usize,
) -> io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut content = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        let begin = content.len();
        content.resize(begin + length, 0);
        stream.read_exact(&mut content[begin..]).await?;
        if content.len() > error_after {
            stream.write_all(b"INSTREAM size limit exceeded. ERROR\0").await?;
            return stream.shutdown().await;
        }
    }
    let answer: &[u8] = match () {
        () if content.ends_with(b"EICAR") => b"stream: Eicar-Test-Signature FOUND\0",
        () if content.ends_with(b"nonsense") => b"hello\0",
        () if content.ends_with(b"silence") => b"",
        () => b"stream: OK\0",
    };
    stream.write_all(answer).await?;
    stream.shutdown().await
}

async fn expect_verdicts(scanner: &Scanner) {
    let clean = vec![b'x'; 100_000];
    assert_eq!(scan(scanner, &clean).await.unwrap(), Verdict::Clean);
    assert_eq!(scan(scanner, b"").await.unwrap(), Verdict::Clean);
    let found = scan(scanner, &[&clean[..], b"EICAR"].concat()).await.unwrap();
    assert_eq!(found, Verdict::Found("Eicar-Test-Signature".to_owned()));
    for end in [b"nonsense".as_slice(), b"silence"] {
        let failed = scan(scanner, end).await;
        assert!(matches!(failed, Err(ScanFailure::Failed(_))), "{failed:?}");
    }
    // It closes while the content still comes; what it said before is reported if it can still be read.
    let failed = scan(scanner, &vec![b'x'; 5_000_000]).await.unwrap_err();
    assert!(matches!(&failed, ScanFailure::Failed(_) | ScanFailure::Broken(_)), "{failed:?}");
}

#[tokio::test]
async fn clamd_checks_on_a_socket_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let scanner: Scanner = format!("clamd://{}", path.display()).parse().unwrap();
    assert!(matches!(scan(&scanner, b"x").await, Err(ScanFailure::Unreachable(_))));
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, 1_000_000));
        }
    });
    expect_verdicts(&scanner).await;
}

#[tokio::test]
async fn clamd_checks_on_a_host() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scanner: Scanner = format!("clamd://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, 1_000_000));
        }
    });
    expect_verdicts(&scanner).await;
}

#[test]
fn what_names_no_scanner_is_refused() {
    for text in [
        "",
        "clamd",
        "clamd://",
        "clamd://host",
        "clamd://:3310",
        "clamd://host:port",
        "clamd://host:99999",
        "command:",
        "command:  ",
        "command:clamscan -",
        "http://127.0.0.1/",
    ] {
        assert_eq!(text.parse::<Scanner>(), Err(BadScanner(text.to_owned())), "{text}");
    }
    for text in [
        "clamd:///run/clamd.ctl",
        "clamd://[::1]:3310",
        "clamd://scan.example:3310",
        "command:/bin/x -a  b",
    ] {
        assert!(text.parse::<Scanner>().is_ok(), "{text}");
    }
}
