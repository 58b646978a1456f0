//! TLS: who is trusted, and that nothing steps down from it.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpStream;

use super::*;

/// A peer that proves to be `name`, and the roots that trust its proof.
async fn secured(name: &str, answer: Script) -> (Peer, RootCertStore) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    (Peer::listen(Some(acceptor), answer).await, roots)
}

async fn fetch(outbound: &Outbound, url: &str) -> Result<Vec<u8>, &'static str> {
    let mut writer = Vec::new();
    match outbound.fetch(url, &mut writer).await {
        Ok(_) => Ok(writer),
        Err(failure) => Err(failure.class()),
    }
}

#[tokio::test]
async fn a_proven_host_is_spoken_to() {
    let (peer, roots) = secured("hook.test", Arc::new(|_, _| ok("secret"))).await;
    let outbound = Set { roots, ..Set::default() }.open();
    let url = format!("https://hook.test:{}/r.pdf", peer.port());
    assert_eq!(fetch(&outbound, &url).await.as_deref(), Ok(&b"secret"[..]));
    let answer = outbound.post(&url, &[], Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(&answer.body[..], b"secret");
    let line = format!("\r\nHost: hook.test:{}\r\n", peer.port());
    assert!(peer.requests().iter().all(|request| request.contains(&line)));
}

#[tokio::test]
async fn an_unproven_host_is_told_nothing() {
    let (wrong_name, roots) = secured("other.test", Arc::new(|_, _| ok("secret"))).await;
    let trusting = Set { roots, ..Set::default() }.open();
    let (untrusted, _) = secured("hook.test", Arc::new(|_, _| ok("secret"))).await;
    for peer in [&wrong_name, &untrusted] {
        let url = format!("https://hook.test:{}/r.pdf", peer.port());
        assert_eq!(fetch(&trusting, &url).await, Err("not_secured"));
        let posted = trusting.post(&url, &[], Bytes::from_static(b"{}")).await;
        assert_eq!(posted.unwrap_err().class(), "not_secured");
        assert!(peer.requests().is_empty());
    }

    // Where no TLS is spoken, the answer to its greeting is none.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://hook.test:{}/r.pdf", plain.local_addr().unwrap().port());
    let speaking = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let (fetched, _stream) = tokio::join!(fetch(&trusting, &url), speaking);
    assert_eq!(fetched, Err("not_secured"));
}

#[tokio::test]
async fn a_redirect_may_step_up_to_https_but_never_down() {
    let silent = Peer::silent().await;
    let down = format!("http://hook.test:{}/", silent.port());
    let (peer, roots) = secured(
        "hook.test",
        Arc::new(move |request, _| {
            if request.starts_with("GET /down ") { redirect(302, &down) } else { ok("secret") }
        }),
    )
    .await;
    let up = format!("https://hook.test:{}/up", peer.port());
    let plain = Peer::start(move |_, _| redirect(302, &up)).await;
    let outbound = Set { roots, ..Set::default() }.open();

    let url = format!("http://hook.test:{}/", plain.port());
    assert_eq!(fetch(&outbound, &url).await.as_deref(), Ok(&b"secret"[..]));
    let url = format!("https://hook.test:{}/down", peer.port());
    assert_eq!(fetch(&outbound, &url).await, Err("redirect_downgrade"));
    assert_eq!(silent.connections(), 0);
}

/// A box before `peer` that lets no TLS hello pass that needs more than one packet: it drops it, or ends the connection.
async fn box_before(peer: &Peer, is_silent: bool) -> u16 {
    const PACKET_BYTES: usize = 1_400;
    let to = peer.port();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 5];
                client.read_exact(&mut head).await.unwrap();
                let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
                if length > PACKET_BYTES {
                    if is_silent {
                        std::future::pending::<()>().await;
                    }
                    return;
                }
                let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                server.write_all(&head).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_box_that_drops_large_hellos_is_passed_with_a_small_one() {
    let (peer, roots) = secured("hook.test", Arc::new(|_, _| ok("secret"))).await;
    let outbound = Set { roots, ..Set::default() }.open();
    for is_silent in [true, false] {
        let port = box_before(&peer, is_silent).await;
        let url = format!("https://hook.test:{port}/r.pdf");
        assert_eq!(fetch(&outbound, &url).await.as_deref(), Ok(&b"secret"[..]), "{is_silent}");
    }
}

#[tokio::test]
async fn why_tls_fails_is_told_apart() {
    let why = async |outbound: &Outbound, port: u16| {
        let url = format!("https://hook.test:{port}/");
        match outbound.post(&url, &[], Bytes::from_static(b"{}")).await {
            Err(PostFailure::Unreachable(ConnectFailure::NotSecured(why))) => why,
            other => panic!("{other:?}"),
        }
    };
    let (wrong_name, roots) = secured("other.test", Arc::new(|_, _| ok("secret"))).await;
    let trusting = Set { roots, ..Set::default() }.open();
    let (unknown, _) = secured("hook.test", Arc::new(|_, _| ok("secret"))).await;
    assert_eq!(why(&trusting, wrong_name.port()).await, TlsFailure::OtherName);
    assert_eq!(why(&Set::default().open(), unknown.port()).await, TlsFailure::UnknownIssuer);
    for (words, expected) in
        [("HTTP/1.1 400 Bad Request\r\n\r\n", TlsFailure::NotTls), ("", TlsFailure::Broken)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut hello = [0; 4_096];
                let _ = stream.read(&mut hello).await.unwrap();
                stream.write_all(words.as_bytes()).await.unwrap();
            }
        });
        assert_eq!(why(&trusting, port).await, expected);
    }
}

/// The first address takes no connection and refuses none, as behind a firewall.
#[tokio::test]
async fn a_silent_first_address_holds_nothing_up() {
    let peer = Peer::start(|_, _| ok("answer")).await;
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind(SocketAddr::from(([127, 0, 0, 2], peer.port()))).unwrap();
    let silent = silent.listen(1).unwrap();
    let address = silent.local_addr().unwrap();
    let mut filling = Vec::new();
    // Until its queue is full, whatever the kernel takes for 1.
    while let Ok(taken) = tokio::time::timeout(100 * MS, TcpStream::connect(address)).await {
        filling.push(taken.unwrap());
    }
    let names: Arc<Table> = Arc::new(|_| vec![[127, 0, 0, 2].into(), [127, 0, 0, 1].into()]);
    let outbound = Set { names, ..Set::default() }.open();
    let url = format!("http://hook.test:{}/", peer.port());
    let posted = outbound.post(&url, &[], Bytes::from_static(b"{}"));
    let answer = tokio::time::timeout(1_000 * MS, posted).await.unwrap().unwrap();
    assert_eq!(&answer.body[..], b"answer");
    drop((silent, filling));
}
