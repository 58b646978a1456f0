//! The set-ups of docs/proxies.md, run as they stand there: nginx, Caddy and HAProxy, each really started, and the
//! server's own TLS. Through each of them a vendor calls, a report is downloaded, and an event comes by websocket.
//!
//! A proxy that is not installed is named and skipped, unless it is demanded (`DEMANDED=1` or `CI=true`).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use contract::check::ReportUrlType;
use contract::control::{List, UpdateApp};
use contract::frame::Frame;
use futures_util::{SinkExt, StreamExt};
use harness::filed::{CONTENT, Filed};
use harness::{BEGIN, Engine, Seed, World, is_demanded};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::StatusCode;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use system::clock::Clock;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;

const PAGE: &str = include_str!("../../../docs/proxies.md");
/// Where the clients of these tests come from; the proxies call from 127.0.0.1.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const DENIED: i64 = 99_991_401;
const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate for hub.example, as the page's set-ups want it.
struct Certificate {
    folder: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    fn make() -> Certificate {
        let names = vec!["hub.example".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let pem = |label: &str, der: &[u8]| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            let lines: Vec<_> =
                text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
        };
        let (chain, key) =
            (pem("CERTIFICATE", cert.der()), pem("PRIVATE KEY", &signing_key.serialize_der()));
        let folder = TempDir::new().unwrap();
        for (name, text) in
            [("chain.pem", &chain), ("key.pem", &key), ("both.pem", &(chain.clone() + &key))]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Certificate { folder, der: cert.der().clone() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// The set-up of the page in this language, for a server at `behind` and clients at `port`.
fn set_up(language: &str, behind: SocketAddr, port: u16, certificate: &Certificate) -> String {
    let begin = format!("```{language}\n");
    let text = PAGE.split(&begin).nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(text.contains("443") && text.contains("127.0.0.1:8090"), "{text}");
    text.replace("127.0.0.1:8090", &behind.to_string())
        .replace("/etc/probity", &certificate.folder.path().display().to_string())
        .replace("hub.example:443", &format!("hub.example:{port}"))
        .replace("bind :443", &format!("bind 127.0.0.1:{port}"))
        .replace("listen 443", &format!("listen 127.0.0.1:{port}"))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a proxy that is installed, and waits until it takes connections.
async fn start(mut command: Command, port: u16) -> Option<Child> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(!is_demanded(), "{name} is demanded, and not installed");
            eprintln!("skipped: {name} is not installed");
            return None;
        }
        spawned => spawned.unwrap(),
    };
    let ready = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "{name} ended");
            let _ =
                tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("the proxy takes connections");
    Some(child)
}

/// A hub behind something that speaks TLS on a port for it.
struct Front<'w> {
    world: &'w World,
    port: u16,
    root: CertificateDer<'static>,
    http: reqwest::Client,
}

impl<'w> Front<'w> {
    fn new(world: &'w World, port: u16, certificate: &Certificate) -> Front<'w> {
        let root = reqwest::Certificate::from_der(&certificate.der).unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([root])
            .resolve("hub.example", SocketAddr::from(([127, 0, 0, 1], port)))
            .local_address(CLIENT)
            .build()
            .unwrap();
        Front { world, port, root: certificate.der.clone(), http }
    }

    fn url(&self, path: &str) -> String {
        format!("https://hub.example:{}{path}", self.port)
    }

    /// All that comes through.
    async fn check(&self) {
        let mut filed = Filed::new(self.world, ReportUrlType::Download).await;
        filed.store().await;
        self.calls_are_checked_by_the_client_s_address(&filed.seed).await;
        self.a_whole_body_comes_through(&filed.seed).await;
        self.a_report_is_given_in_ranges(&filed).await;
        self.an_event_comes_by_the_long_connection().await;
    }

    async fn call(&self, seed: &Seed, body: String) -> (StatusCode, Value) {
        let token = seed.vendor.tenant_access_token().await.unwrap();
        let url = self.url("/open-apis/hire/v1/eco_background_checks/cancel");
        let request = self.http.post(url).bearer_auth(token).body(body);
        let request = request.header("content-type", "application/json");
        // What the client writes itself.
        let request = request.header("x-forwarded-for", "203.0.113.9");
        let answer = request.header("forwarded", "for=203.0.113.9").send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn calls_are_checked_by_the_client_s_address(&self, seed: &Seed) {
        let body = || json!({"background_check_id": "1"}).to_string();
        for (range, is_denied) in [("203.0.113.9", true), ("127.0.0.1", true), ("127.0.0.2", false)]
        {
            let ip_allowlist = Some(vec![range.to_owned()]);
            let body_of_app = UpdateApp { ip_allowlist, ..UpdateApp::default() };
            self.world.update_granted(&seed.app.app.app_id, &body_of_app).await.unwrap();
            let (_, answer) = self.call(seed, body()).await;
            assert_eq!(answer["code"] == DENIED, is_denied, "{range}: {answer}");
            assert!(
                !is_denied || answer["msg"].as_str().unwrap().contains("ip 127.0.0.2 "),
                "{answer}"
            );
        }
    }

    async fn a_whole_body_comes_through(&self, seed: &Seed) {
        let of = |bytes: usize| {
            let body = json!({"background_check_id": "1", "comment": ""}).to_string();
            let comment = format!("\"comment\":\"{}\"", "x".repeat(bytes - body.len()));
            body.replace("\"comment\":\"\"", &comment)
        };
        let too_large =
            |answer: &Value| answer.to_string().contains("expected at most 1048576 bytes");
        let (_, fits) = self.call(seed, of(1 << 20)).await;
        assert!(!too_large(&fits), "{fits}");
        let (_, exceeds) = self.call(seed, of((1 << 20) + 1)).await;
        assert!(too_large(&exceeds), "{exceeds}");
    }

    async fn a_report_is_given_in_ranges(&self, filed: &Filed<'_>) {
        let hirer = &filed.seed.hirer;
        let (order_id, report_id) = (&filed.order_id, &filed.report.report_id);
        let path = format!(
            "/api/v1/tenants/{}/orders/{order_id}/reports/{report_id}/content",
            hirer.tenant_key
        );
        let request = self.http.get(self.url(&path)).bearer_auth(&hirer.key);
        let answer = request.header("range", "bytes=9-12").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.headers()["content-range"], format!("bytes 9-12/{}", CONTENT.len()));
        assert_eq!(&answer.bytes().await.unwrap()[..], &CONTENT[9..13]);
        let views = hirer
            .control
            .list_report_views(&hirer.tenant_key, order_id, report_id, &List::default())
            .await;
        assert_eq!(views.unwrap().items[0].address.as_deref(), Some("127.0.0.2"));
    }

    async fn an_event_comes_by_the_long_connection(&self) {
        let seed = self.world.seed_connected().await;
        let body = json!({"AppID": seed.app.app.app_id, "AppSecret": seed.app.app_secret});
        let answer: Value = self
            .http
            .post(self.url("/callback/ws/endpoint"))
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let url = answer["data"]["URL"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(url.starts_with(&format!("wss://hub.example:{}/ws/v2?", self.port)), "{url}");
        let (mut ws, _) = tokio_tungstenite::client_async(url, self.secured().await).await.unwrap();
        let service_id = line::parameter(url, "service_id").parse().unwrap();
        ws.send(Message::Binary(Frame::ping(service_id).encode().into())).await.unwrap();
        let frames = async {
            let mut frames = Vec::new();
            while frames.len() < 2 {
                let message = ws.next().await.unwrap().unwrap();
                let Message::Binary(bytes) = message else { continue };
                let mut frame = Frame::decode(&bytes).unwrap();
                frames.push(frame.header("type").unwrap().to_owned());
                if frame.header("type") == Some("event") {
                    frame.payload = Some(br#"{"code": 200}"#.to_vec());
                    ws.send(Message::Binary(frame.encode().into())).await.unwrap();
                }
            }
            frames
        };
        // The ping is what makes the connection one that events go to.
        let received = async {
            let frames = tokio::time::timeout(PATIENCE, frames);
            let working = async {
                let _ =
                    tokio::time::timeout(Duration::from_millis(500), std::future::pending::<()>())
                        .await;
                self.world.work().await;
            };
            tokio::join!(frames, working).0.expect("frames come")
        };
        assert_eq!(received.await, ["pong", "event"]);
    }

    /// A connection through the front, secured by hand.
    async fn secured(&self) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let name = ServerName::try_from("hub.example").unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

/// A hub that trusts the proxy on this machine.
async fn hub() -> World {
    World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |config| {
        config.trusted_proxies = vec!["127.0.0.1".to_owned()];
    })
    .await
}

#[tokio::test]
async fn nginx_as_the_page_sets_it_up() {
    let (world, certificate, port) = (hub().await, Certificate::make(), free_port());
    let text = set_up("nginx", world.address, port, &certificate);
    let (conf, log) = (certificate.path("nginx.conf"), certificate.path("nginx.log"));
    let folder = certificate.folder.path().display();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {log};\nevents {{}}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {folder}/a;\nproxy_temp_path {folder}/b;\nfastcgi_temp_path {folder}/c;\n\
         uwsgi_temp_path {folder}/d;\nscgi_temp_path {folder}/e;\n{text}\n}}\n"
    );
    std::fs::write(&conf, text).unwrap();
    let mut command = Command::new("nginx");
    command.args(["-e", &log, "-p", &folder.to_string(), "-c", &conf]);
    let Some(_child) = start(command, port).await else { return };
    Front::new(&world, port, &certificate).check().await;
}

#[tokio::test]
async fn caddy_as_the_page_sets_it_up() {
    let (world, certificate, port) = (hub().await, Certificate::make(), free_port());
    let text = set_up("caddy", world.address, port, &certificate);
    let conf = certificate.path("Caddyfile");
    // No second listener on port 80, and no port for its administration.
    let text = format!("{{\n    admin off\n    auto_https disable_redirects\n}}\n{text}");
    std::fs::write(&conf, text).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config", &conf]);
    let folder = certificate.folder.path();
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    let Some(_child) = start(command, port).await else { return };
    Front::new(&world, port, &certificate).check().await;
}

#[tokio::test]
async fn haproxy_as_the_page_sets_it_up() {
    let (world, certificate, port) = (hub().await, Certificate::make(), free_port());
    let conf = certificate.path("haproxy.cfg");
    std::fs::write(&conf, set_up("haproxy", world.address, port, &certificate)).unwrap();
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f", &conf]);
    let Some(_child) = start(command, port).await else { return };
    Front::new(&world, port, &certificate).check().await;
}

#[tokio::test]
async fn the_server_s_own_tls_gives_the_same() {
    let (world, certificate) = (hub().await, Certificate::make());
    let files = server::TlsFiles {
        certificate: certificate.path("chain.pem").into(),
        key: certificate.path("key.pem").into(),
    };
    let tls = Some(Arc::new(server::http::tls::Tls::open(&files).unwrap()));
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    let service = server::http::routes::service(Arc::clone(&world.app));
    let limits = world.app.config.listener;
    let serving = server::http::listener::serve(tcp, tls, service, limits, std::future::pending());
    let serving = tokio::spawn(serving);
    Front::new(&world, port, &certificate).check().await;
    serving.abort();
}
