//! The way out to hosts whose certificates come from an authority of the operator's own: webhooks and reports,
//! PostgreSQL, an S3-compatible store. Each is real, behind a front that speaks TLS for it.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use harness::{BEGIN, Engine, World, is_demanded};
use outbound::PostFailure;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use system::clock::Clock;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority of a test's own, its certificate in a file, and a host that it vouches for: localhost.
struct Authority {
    file: PathBuf,
    acceptor: TlsAcceptor,
    _folder: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let host = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, pem("CERTIFICATE", issuer.as_ref().der())).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![host.der().clone()], key)
            .unwrap();
        Authority { file, acceptor: TlsAcceptor::from(Arc::new(config)), _folder: folder }
    }

    /// Speaks TLS on a port of its own for what listens at `behind`; `greets` as PostgreSQL does before.
    async fn front(&self, behind: String, greets: bool) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    if greets {
                        stream.read_exact(&mut [0; 8]).await?;
                        stream.write_all(b"S").await?;
                    }
                    let mut secured = acceptor.accept(stream).await?;
                    let mut plain = TcpStream::connect(behind).await?;
                    tokio::io::copy_bidirectional(&mut secured, &mut plain).await
                });
            }
        });
        port
    }

    /// Answers every request over TLS with a small PDF.
    async fn host(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    if stream.read(&mut [0; 4_096]).await? == 0 {
                        return Ok(());
                    }
                    let answer =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n%PDF";
                    stream.write_all(answer).await
                });
            }
        });
        self.front(address.to_string(), false).await
    }
}

/// `der` in PEM.
fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// What comes of a webhook and of a report at `url`: their classes where they fail.
async fn call(world: &World, url: &str) -> [Result<(), &'static str>; 2] {
    let posted = world.app.hub.outbound.post(url, &[], Bytes::from_static(b"{}")).await;
    let fetched = world.app.hub.outbound.fetch(url, &mut Vec::new()).await;
    [
        posted.map(|_| ()).map_err(PostFailure::class),
        fetched.map(|_| ()).map_err(|failure| failure.class()),
    ]
}

async fn trusting(file: Option<PathBuf>) -> World {
    World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |config| {
        config.allow_outbound = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        config.ca_file = file;
    })
    .await
}

#[tokio::test]
async fn webhooks_and_reports_reach_hosts_of_the_operator_s_authority() {
    let authority = Authority::new();
    let port = authority.host().await;
    let urls = [format!("https://localhost:{port}/a"), format!("https://127.0.0.1:{port}/a")];
    let (with, without) = (trusting(Some(authority.file.clone())).await, trusting(None).await);
    let other = trusting(Some(Authority::new().file.clone())).await;
    for url in &urls {
        assert_eq!(call(&with, url).await, [Ok(()), Ok(())], "{url}");
        assert_eq!(call(&without, url).await, [Err("not_secured"); 2], "{url}");
        assert_eq!(call(&other, url).await, [Err("not_secured"); 2], "{url}");
    }
}

#[tokio::test]
async fn the_authorities_of_the_environment_count_too() {
    const ROLE: &str = "PROBITY_TEST_TLS_URL";
    if let Ok(url) = std::env::var(ROLE) {
        assert_eq!(call(&trusting(None).await, &url).await, [Ok(()), Ok(())]);
        return;
    }
    let authority = Authority::new();
    let url = format!("https://localhost:{}/a", authority.host().await);
    let folder = TempDir::new().unwrap();
    std::fs::copy(&authority.file, folder.path().join("own.pem")).unwrap();
    for (name, value) in
        [("SSL_CERT_FILE", authority.file.as_path()), ("SSL_CERT_DIR", folder.path())]
    {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_authorities_of_the_environment_count_too"]);
        let status = child.env(ROLE, &url).env(name, value).status().await.unwrap();
        assert!(status.success(), "{name}");
    }
}

#[tokio::test]
async fn postgresql_is_reached_over_tls_of_the_operator_s_authority() {
    if !Engine::available().await.contains(&Engine::Postgres) {
        return;
    }
    let authority = Authority::new();
    let world = World::on(Engine::Postgres).await;
    let plain = world.app.config.database_url.clone().unwrap();
    let url = url::Url::parse(&plain).unwrap();
    let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let port = authority.front(behind, true).await;
    let mut secured = url.clone();
    secured.set_host(Some("localhost")).unwrap();
    secured.set_port(Some(port)).unwrap();
    secured.set_query(Some("sslmode=require"));
    let config = |ca_file| server::Config {
        data: world.data().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        database_url: Some(secured.to_string()),
        ca_file,
        ..server::Config::default()
    };
    let without = server::Server::bind(config(None), Clock::manual(BEGIN)).await;
    assert!(without.is_err(), "its authority is not known");
    let with =
        server::Server::bind(config(Some(authority.file.clone())), Clock::manual(BEGIN)).await;
    let server = with.map_err(|failure| failure.to_string()).unwrap();
    assert!(server.app.hub.store.is_ready().await);
}

#[tokio::test]
async fn a_bucket_is_reached_over_tls_of_the_operator_s_authority() {
    let Ok(plain) = std::env::var("S3_URL") else {
        assert!(!is_demanded(), "S3 is demanded: set S3_URL");
        return;
    };
    let authority = Authority::new();
    let behind = plain.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let port = authority.front(behind, false).await;
    let bucket = "authorities";
    let built = reqwest_plain().put(format!("{plain}/{bucket}")).send().await.unwrap();
    assert!(built.status().is_success() || built.status() == 409, "{}", built.status());
    for (ca_file, is_kept) in [(Some(authority.file.clone()), true), (None, false)] {
        let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |config| {
            config.objects = Some(format!("s3://{bucket}"));
            config.s3.endpoint = Some(format!("https://localhost:{port}"));
            config.s3.access_key_id = Some("id".to_owned());
            config.s3.secret_access_key = Some("secret".to_owned());
            config.ca_file = ca_file;
        })
        .await;
        let tenant_id = world.hirer().await.tenant_id;
        let mut writer = world.app.hub.objects.create_behind(tenant_id);
        writer.write(Bytes::from_static(b"%PDF")).await.unwrap();
        assert_eq!(writer.finish().await.is_ok(), is_kept);
    }
}

fn reqwest_plain() -> reqwest::Client {
    // Whoever came first has set it, with the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_file_without_authorities_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    for (name, text) in [("missing", None), ("empty", Some("")), ("odd", Some("no certificate"))] {
        let file = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let config = server::Config {
            data: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            ca_file: Some(file),
            ..server::Config::default()
        };
        let failure = server::Server::bind(config, Clock::manual(BEGIN)).await.err().unwrap();
        assert_eq!(failure.to_string(), "--ca-file", "{name}");
    }
}
