//! The binary over TLS: a server with a certificate of its own, commands that trust it, and a renewal while it serves.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

/// Calls with the new certificate before a test fails; each takes longer than a look at the files.
const CALLS_MAX: usize = 200;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn probity(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
    command.current_dir(folder).env_clear().env("HOME", folder).env("PROBITY_DATA", "data");
    command
}

/// Writes a new certificate for 127.0.0.1 and its key.
fn write_pair(folder: &Path, certificate: &str, key: &str) {
    let built = generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = built;
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    std::fs::write(folder.join(certificate), pem("CERTIFICATE", cert.der())).unwrap();
    std::fs::write(folder.join(key), pem("PRIVATE KEY", &signing_key.serialize_der())).unwrap();
}

/// Starts a server; its first line on stdout.
fn serve(folder: &Path, flags: &[&str]) -> (Server, String) {
    let mut command = probity(folder);
    command.arg("serve").args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (server, line.trim().to_owned())
}

fn list(folder: &Path, url: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = probity(folder);
    command.args(["tenant", "list", "--server", url]).envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn commands_trust_the_server_by_a_file_and_a_renewed_certificate_is_in_force() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    write_pair(folder, "chain.pem", "key.pem");
    std::fs::copy(folder.join("chain.pem"), folder.join("first.pem")).unwrap();
    let flags =
        ["--listen", "127.0.0.1:0", "--tls-certificate", "chain.pem", "--tls-key", "key.pem"];
    let (_server, line) = serve(folder, &flags);
    let url = line.strip_prefix("listening on ").unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{line}");
    let code = |variables: &[(&str, &str)]| list(folder, url, variables).status.code().unwrap();
    assert_eq!(code(&[("PROBITY_CA_FILE", "first.pem")]), 0);
    assert_eq!(code(&[("SSL_CERT_FILE", "first.pem")]), 0);
    assert_eq!(code(&[]), 3, "nobody vouches for it");
    assert_ne!(code(&[("PROBITY_CA_FILE", "key.pem")]), 0, "no certificate");
    assert_ne!(code(&[("PROBITY_CA_FILE", "missing.pem")]), 0);

    write_pair(folder, "chain.new", "key.new");
    std::fs::copy(folder.join("chain.new"), folder.join("second.pem")).unwrap();
    std::fs::rename(folder.join("chain.new"), folder.join("chain.pem")).unwrap();
    std::fs::rename(folder.join("key.new"), folder.join("key.pem")).unwrap();
    let is_in_force = |_| code(&[("PROBITY_CA_FILE", "second.pem")]) == 0;
    assert!((0..CALLS_MAX).any(is_in_force), "the new certificate is never in force");
    assert_eq!(code(&[("PROBITY_CA_FILE", "first.pem")]), 3);
}

#[test]
fn what_cannot_be_used_is_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    write_pair(folder, "chain.pem", "key.pem");
    write_pair(folder, "other.pem", "other-key.pem");
    for (flags, code, reported) in [
        (&["--tls-certificate", "chain.pem"][..], 2, "--tls-key"),
        (
            &["--tls-certificate", "chain.pem", "--tls-key", "other-key.pem"],
            1,
            "key of the certificate",
        ),
        (&["--ca-file", "key.pem"], 1, "expected certificates in PEM"),
        (&["--trusted-proxy", "proxy.example"], 1, "expected an address or a range"),
        (&["--public-url", "hub.example"], 1, "expected the public URL"),
    ] {
        let mut command = probity(folder);
        let ended =
            command.args(["serve", "--listen", "127.0.0.1:0"]).args(flags).output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{flags:?}: {stderr}");
        assert!(stderr.contains(reported), "{flags:?}: {stderr}");
    }
}

#[test]
fn addresses_that_can_hardly_be_right_are_doubted_in_the_log() {
    let folder = TempDir::new().unwrap();
    let (mut server, line) = serve(folder.path(), &["--listen", "0.0.0.0:0"]);
    assert!(line.starts_with("listening on http://0.0.0.0:"), "{line}");
    server.0.kill().unwrap();
    let mut log = String::new();
    server.0.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("WARN") && log.contains("set --public-url"), "{log}");
}
