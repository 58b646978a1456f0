//! TLS over real sockets, with certificates made on the spot.

#![expect(clippy::disallowed_methods, reason = "the peers of these tests are slow on purpose")]

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use rcgen::{CertifiedKey as Built, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::AsyncRead;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Client;

use super::*;
use crate::http::forwarded::Reached;
use crate::http::listener::{ListenerLimits, serve};

const MS: Duration = Duration::from_millis(1);
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: hub.test\r\n\r\n";

/// A new certificate for hub.test, and its key, in PEM.
fn built() -> (String, String) {
    let Built { cert, signing_key } = generate_simple_self_signed(vec!["hub.test".into()]).unwrap();
    (pem("CERTIFICATE", cert.der()), pem("PRIVATE KEY", &signing_key.serialize_der()))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

struct Served {
    folder: TempDir,
    tls: Arc<Tls>,
    address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(limits: ListenerLimits) -> (Served, String) {
        let folder = TempDir::new().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("chain.pem"),
            key: folder.path().join("key.pem"),
        };
        let (certificate, key) = built();
        std::fs::write(&files.certificate, &certificate).unwrap();
        std::fs::write(&files.key, key).unwrap();
        let tls = Arc::new(Tls::open(&files).unwrap());
        let is_secure = async |reached: axum::Extension<Reached>| reached.is_secure.to_string();
        let router = Router::new()
            .route("/", get(is_secure))
            .route("/huge", get(async || vec![b'x'; 32 << 20]));
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let secured = Some(Arc::clone(&tls));
        let task = tokio::spawn(serve(tcp, secured, router, limits, async {
            let _ = stopped.await;
        }));
        (Served { folder, tls, address, stop: Some(stop), task }, certificate)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn plain(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection that trusts `root` alone, with these protocols on offer.
    async fn secured(&self, root: &str, protocols: &[&str]) -> io::Result<Client<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("hub.test").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, self.plain().await).await
    }

    async fn is_in_force(&self, certificate: &str) -> bool {
        self.secured(certificate, &[]).await.is_ok()
    }
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(10_000 * MS, stream.read_to_end(&mut text)).await;
    // Who is cut off may see that as an error.
    let _ = read.expect("the server closes");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn requests_over_tls_are_answered_and_known_as_such() {
    let (served, root) = Served::start(ListenerLimits::default()).await;
    for protocols in [&[][..], &["http/1.1"], &["h2", "http/1.1"]] {
        let mut stream = served.secured(&root, protocols).await.unwrap();
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(protocol, protocols.last().map(|name| name.as_bytes().to_vec()));
        stream.write_all(ASK).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let answers = read_all(&mut stream).await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
        assert_eq!(answers.matches("\r\n\r\ntrue").count(), 2, "{answers}");
    }
    // Only HTTP/2: no protocol that both speak.
    assert!(served.secured(&root, &["h2"]).await.is_err());
    let (other, _) = built();
    assert!(served.secured(&other, &[]).await.is_err());
}

#[tokio::test]
async fn plain_http_is_told_to_use_tls_and_everything_else_is_closed() {
    let (served, _) = Served::start(ListenerLimits::default()).await;
    let mut stream = served.plain().await;
    let mut long = b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    long.resize(1_000_000, b'x');
    let (mut reading, mut writing) = stream.split();
    let (answer, _) = tokio::join!(read_all(&mut reading), writing.write_all(&long));
    assert_eq!(answer, PLAIN);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    for bytes in [&b"\x00\x01\x02"[..], b"\x80\x2e\x01", b"\x15\x03\x01\x00\x02"] {
        let mut stream = served.plain().await;
        stream.write_all(bytes).await.unwrap();
        assert_eq!(read_all(&mut stream).await, "");
    }
}

#[tokio::test]
async fn a_handshake_has_the_time_of_a_head_and_holds_up_no_stop() {
    let limits = ListenerLimits { head: 300 * MS, ..ListenerLimits::default() };
    let (served, root) = Served::start(limits).await;
    let mut silent = served.plain().await;
    let mut slow = served.plain().await;
    slow.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
    let waited = tokio::time::Instant::now();
    let (_, _) = tokio::join!(read_all(&mut silent), read_all(&mut slow));
    let took = waited.elapsed();
    assert!(took > 200 * MS && took < 3_000 * MS, "{took:?}");
    assert!(served.is_in_force(&root).await);

    let (mut served, _) = Served::start(ListenerLimits::default()).await;
    let mut begun = served.plain().await;
    begun.write_all(b"\x16\x03\x01").await.unwrap();
    tokio::time::sleep(100 * MS).await;
    drop(served.stop.take());
    let stopped = tokio::time::timeout(3_000 * MS, &mut served.task).await;
    stopped.expect("a handshake holds up no stop").unwrap();
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut_off_over_tls_too() {
    let limits = ListenerLimits { write_stall: 300 * MS, ..ListenerLimits::default() };
    let (served, root) = Served::start(limits).await;
    let mut stream = served.secured(&root, &[]).await.unwrap();
    stream.write_all(b"GET /huge HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(1_500 * MS).await;
    let taken = read_all(&mut stream).await.len();
    assert!(taken < 32 << 20, "{taken}");
    // One that goes on taking gets all of it, and the connection stays for the next request.
    let mut stream = served.secured(&root, &[]).await.unwrap();
    stream.write_all(b"GET /huge HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut piece = vec![0; 1 << 20];
    let mut taken = 0;
    while taken < 32 << 20 {
        taken += stream.read(&mut piece).await.unwrap();
    }
    tokio::time::sleep(600 * MS).await;
    stream.write_all(ASK).await.unwrap();
    assert!(stream.read(&mut piece).await.unwrap() > 0);
}

#[tokio::test]
async fn a_changed_pair_is_in_force_for_new_connections() {
    let (served, first) = Served::start(ListenerLimits::default()).await;
    let mut old = served.secured(&first, &[]).await.unwrap();

    // Written in place.
    let (second, key) = built();
    std::fs::write(served.path("chain.pem"), &second).unwrap();
    std::fs::write(served.path("key.pem"), key).unwrap();
    served.tls.look();
    assert!(served.is_in_force(&second).await && !served.is_in_force(&first).await);

    // Renamed.
    let (third, key) = built();
    std::fs::write(served.path("chain.new"), &third).unwrap();
    std::fs::write(served.path("key.new"), key).unwrap();
    std::fs::rename(served.path("chain.new"), served.path("chain.pem")).unwrap();
    std::fs::rename(served.path("key.new"), served.path("key.pem")).unwrap();
    served.tls.look();
    assert!(served.is_in_force(&third).await);

    // By symlinks that are swapped, as certbot does.
    for number in 0..2 {
        let (next, key) = built();
        for (name, text) in [("chain.pem", &next), ("key.pem", &key)] {
            let target = served.path(&format!("{number}-{name}"));
            std::fs::write(&target, text).unwrap();
            std::os::unix::fs::symlink(&target, served.path("link")).unwrap();
            std::fs::rename(served.path("link"), served.path(name)).unwrap();
        }
        served.tls.look();
        assert!(served.is_in_force(&next).await, "{number}");
    }

    // Who was connected stays so.
    old.write_all(ASK).await.unwrap();
    assert!(old.read(&mut [0; 100]).await.unwrap() > 0);
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_leaves_the_old_one_in_force() {
    let (served, first) = Served::start(ListenerLimits::default()).await;
    let (chain, key) = (served.path("chain.pem"), served.path("key.pem"));
    let (second, second_key) = built();
    // The key comes a moment later.
    std::fs::write(&chain, &second).unwrap();
    served.tls.look();
    assert!(served.is_in_force(&first).await);
    for broken in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        std::fs::write(&chain, broken).unwrap();
        served.tls.look();
        assert!(served.is_in_force(&first).await, "{broken:?}");
    }
    std::fs::remove_file(&chain).unwrap();
    served.tls.look();
    assert!(served.is_in_force(&first).await);
    std::fs::write(&chain, &second).unwrap();
    std::fs::write(&key, "no key").unwrap();
    served.tls.look();
    assert!(served.is_in_force(&first).await);
    std::fs::write(&key, second_key).unwrap();
    served.tls.look();
    assert!(served.is_in_force(&second).await);
}

#[test]
fn what_cannot_be_used_at_the_start_is_told() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ((chain, key), (_, other)) = (built(), built());
    let (good, good_key) = (write("chain.pem", &chain), write("key.pem", &key));
    let (none, other) = (write("none.pem", "none"), write("other.pem", &other));
    let missing = folder.path().join("missing.pem");
    for (certificate, key, expected) in [
        (&missing, &good_key, "missing.pem"),
        (&good, &missing, "missing.pem"),
        (&none, &good_key, "expected a certificate in PEM in"),
        (&good, &none, "expected a private key in PEM in"),
        (&good, &other, "to hold the key of the certificate"),
    ] {
        let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
        let Err(error) = Tls::open(&files) else { panic!("opened {files:?}") };
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(Tls::open(&TlsFiles { certificate: good, key: good_key }).is_ok());
}
