//! TLS: who is trusted, and that nothing steps down from it.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

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
    let mut sink = Vec::new();
    match outbound.fetch(url, &mut sink).await {
        Ok(_) => Ok(sink),
        Err(failure) => Err(failure.class()),
    }
}

#[tokio::test]
async fn a_proven_host_is_spoken_to() {
    let (peer, roots) = secured("hook.test", Arc::new(|_, _| ok("secret"))).await;
    let outbound = Set { roots, ..Set::default() }.open();
    let url = format!("https://hook.test:{}/r.pdf", peer.port());
    assert_eq!(fetch(&outbound, &url).await.as_deref(), Ok(&b"secret"[..]));
    let answer = outbound.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await.unwrap();
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
        let posted = trusting.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await;
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
