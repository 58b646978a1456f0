//! A bucket whose name stands in the host, as OSS and COS want it: a name that no test can resolve, so that the requests
//! go through a proxy that notes them and gives them on to a real store.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use crate::harness::{done, is_demanded, probity};

/// Gives what comes on to the store, and notes it.
fn proxy(store: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, notes) = (client.unwrap(), Arc::clone(&notes));
            let server = TcpStream::connect(&store).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut piece) {
                    notes.lock().unwrap().extend_from_slice(&piece[..count]);
                    if to.write_all(&piece[..count]).is_err() {
                        break;
                    }
                }
            });
            std::thread::spawn(move || std::io::copy(&mut &server, &mut &client));
        }
    });
    (address, noted)
}

/// Makes a bucket, as a store of one's own takes it.
fn make_bucket(store: &str, name: &str) {
    let mut stream = TcpStream::connect(store).unwrap();
    let request = format!(
        "PUT /{name} HTTP/1.1\r\nHost: {store}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_bucket_in_the_host_is_tried_out_at_the_start() {
    let Ok(store) = std::env::var("S3_URL") else {
        assert!(!is_demanded(), "S3 is demanded: expected S3_URL");
        eprintln!("skipped: S3_URL names no server");
        return;
    };
    let store = store.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let name = format!("kept-{}", std::process::id());
    make_bucket(&store, &name);
    let (proxy, noted) = proxy(store);
    let folder = tempfile::tempdir().unwrap();
    let command = |bucket: &str, style: &str| {
        let mut command = probity();
        command.args(["serve", "--data", "./data", "--listen", "127.0.0.1:0"]);
        command.args(["--objects", &format!("s3://{bucket}/here"), "--s3-style", style]);
        command.current_dir(folder.path());
        for (name, value) in [
            ("PROBITY_S3_ENDPOINT", "http://s3.store.example"),
            ("PROBITY_S3_ACCESS_KEY_ID", "key"),
            ("PROBITY_S3_SECRET_ACCESS_KEY", "secret"),
            ("http_proxy", &proxy),
            ("HTTP_PROXY", &proxy),
        ] {
            command.env(name, value);
        }
        command.env_remove("no_proxy").env_remove("NO_PROXY");
        command
    };

    let mut server = command(&name, "virtual").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on "), "{line:?}");
    server.kill().unwrap();
    server.wait().unwrap();
    let seen = String::from_utf8_lossy(&noted.lock().unwrap()).into_owned();
    for method in ["PUT", "GET"] {
        let start = format!("{method} http://{name}.s3.store.example/here/");
        assert!(seen.contains(&start), "{start} in {seen}");
    }
    assert!(!seen.contains(&format!("s3.store.example/{name}")), "{seen}");

    let refused = done(&mut command("nowhere-at-all", "virtual")).failed(1);
    assert!(
        refused.contains("--s3-style virtual") && refused.contains("NoSuchBucket"),
        "{refused}"
    );
}
