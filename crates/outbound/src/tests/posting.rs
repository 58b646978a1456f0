//! Webhooks: what reaches a receiver, and what comes back.

use super::*;

async fn post(outbound: &Outbound, url: &str) -> Result<Answer, PostFailure> {
    outbound.post(url, &[], Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn the_receiver_gets_target_headers_and_body_as_given() {
    let peer = Peer::start(|_, _| reply("200 OK", "Content-Encoding: gzip\r\n", "done")).await;
    let outbound = Set::default().open();
    let headers = [
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("x-lark-request-nonce", "n0nce".to_owned()),
    ];
    let url = format!("http://hook.test:{}/a/../b//%7e?x=%2F&y='", peer.port());
    let answer = outbound.post(&url, &headers, Bytes::from_static(b"{\"a\":1}")).await.unwrap();

    assert_eq!((answer.status, &answer.body[..], answer.is_cut), (200, &b"done"[..], false));
    assert_eq!(answer.content_encodings, ["gzip"]);
    let requests = peer.requests();
    let request = &requests[0];
    assert!(request.starts_with("POST /a/../b//%7e?x=%2F&y=' HTTP/1.1\r\n"), "{request}");
    for line in [
        format!("Host: hook.test:{}", peer.port()),
        "Content-Type: application/json; charset=utf-8".to_owned(),
        "X-Lark-Request-Nonce: n0nce".to_owned(),
        "Content-Length: 7".to_owned(),
        format!("User-Agent: {USER_AGENT}"),
    ] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{line} in {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
}

#[tokio::test]
async fn a_long_answer_is_cut() {
    let peer = Peer::start(|_, number| ok(&"x".repeat(65_535 + number))).await;
    let outbound = Set::default().open();
    let url = format!("http://hook.test:{}/", peer.port());
    let whole = post(&outbound, &url).await.unwrap();
    assert_eq!((whole.body.len(), whole.is_cut), (65_536, false));
    let cut = post(&outbound, &url).await.unwrap();
    assert_eq!((cut.body.len(), cut.is_cut), (65_536, true));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let other = Peer::silent().await;
    let to = format!("http://hook.test:{}/", other.port());
    let peer =
        Peer::start(move |_, number| redirect([301, 302, 303, 307, 308][number - 1], &to)).await;
    let outbound = Set::default().open();
    for status in [301, 302, 303, 307, 308] {
        let answer = post(&outbound, &format!("http://hook.test:{}/", peer.port())).await.unwrap();
        assert_eq!(answer.status, status);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn connections_are_kept_for_the_same_receiver_only() {
    let peer = Peer::start(|_, _| ok("done")).await;
    let set = Set { rules: vec!["hook.test", "other.test"], ..Set::default() };
    let outbound = set.open();
    for _ in 0..3 {
        post(&outbound, &format!("http://hook.test:{}/", peer.port())).await.unwrap();
    }
    assert_eq!(peer.connections(), 1);
    post(&outbound, &format!("http://other.test:{}/", peer.port())).await.unwrap();
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_call_on_a_connection_that_was_just_closed_is_made_again_at_once() {
    let outbound = Set::default().open();
    let url = |peer: &Peer| format!("http://hook.test:{}/", peer.port());
    let closing =
        Peer::start(|_, number| if number == 2 { CLOSED.to_vec() } else { ok("done") }).await;
    for _ in 0..2 {
        assert_eq!(post(&outbound, &url(&closing)).await.unwrap().status, 200);
    }
    assert_eq!((closing.requests().len(), closing.connections()), (3, 2));

    // On a new connection, or once a byte of an answer came, the receiver may have taken the call.
    let new = Peer::start(|_, _| CLOSED.to_vec()).await;
    assert_eq!(post(&outbound, &url(&new)).await.unwrap_err(), PostFailure::Broken);
    assert_eq!((new.requests().len(), new.connections()), (1, 1));
    let begun =
        Peer::start(|_, number| if number == 2 { b"HTTP/1.1 2".to_vec() } else { ok("done") });
    let begun = begun.await;
    assert_eq!(post(&outbound, &url(&begun)).await.unwrap().status, 200);
    assert_eq!(post(&outbound, &url(&begun)).await.unwrap_err(), PostFailure::Broken);
    assert_eq!((begun.requests().len(), begun.connections()), (2, 1));
}

#[tokio::test]
async fn slow_broken_and_absent_receivers_are_told_apart() {
    let outbound = Set::hasty().open();
    let stalling = Peer::start(|_, _| Vec::new()).await;
    let url = |peer: &Peer| format!("http://hook.test:{}/", peer.port());
    assert_eq!(post(&outbound, &url(&stalling)).await.unwrap_err(), PostFailure::TooSlow);

    let dripping = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab...";
    let dripping = Peer::start(|_, _| dripping.to_vec()).await;
    assert_eq!(post(&outbound, &url(&dripping)).await.unwrap_err(), PostFailure::TooSlow);

    let outbound = Set::default().open();
    let broken = Peer::start(|_, _| b"SSH-2.0-x\r\n\r\n".to_vec()).await;
    assert_eq!(post(&outbound, &url(&broken)).await.unwrap_err(), PostFailure::Broken);

    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failure = post(&outbound, &format!("http://hook.test:{}/", gone.port())).await.unwrap_err();
    assert_eq!(failure.class(), "not_connected");
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_called() {
    let peer = Peer::silent().await;
    let outbound = Set::default().open();
    let mut texts = std::collections::HashSet::new();
    for host in INNER_HOSTS {
        let failure =
            post(&outbound, &format!("http://{host}:{}/", peer.port())).await.unwrap_err();
        assert!(
            matches!(failure, PostFailure::Unreachable(ConnectFailure::Refused(_))),
            "{host}: {failure:?}"
        );
        texts.insert(failure.to_string());
    }
    assert_eq!(peer.connections(), 0);
    // What is refused and what cannot be reached look the same from outside.
    texts.insert(PostFailure::Unreachable(ConnectFailure::NotConnected).to_string());
    texts.insert(PostFailure::Unreachable(ConnectFailure::NotResolved).to_string());
    assert_eq!(texts.len(), 1);
}

#[tokio::test]
async fn the_addresses_checked_are_the_ones_connected_to() {
    let peer = Peer::silent().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    // First a public address, which is refused by nobody, then an inner one.
    let names = move |_: &str| match counting.fetch_add(1, Ordering::SeqCst) {
        0 => vec!["192.0.2.1".parse().unwrap()],
        _ => vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
    };
    let set = Set { rules: vec!["192.0.2.0/24"], names: Arc::new(names), ..Set::hasty() };
    let outbound = set.open();
    let url = format!("http://rebinding.example.com:{}/", peer.port());
    assert!(post(&outbound, &url).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a name is asked for once for each connection");
    let failure = post(&outbound, &url).await.unwrap_err();
    assert_eq!(failure.class(), "address_loopback");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn mixed_and_strange_answers_to_a_name_refuse_it() {
    let peer = Peer::silent().await;
    let answers: [(Vec<IpAddr>, &str); 4] = [
        (vec!["10.9.8.7".parse().unwrap(), "127.0.0.1".parse().unwrap()], "address_loopback"),
        (vec!["::1".parse().unwrap(), "10.9.8.7".parse().unwrap()], "address_loopback"),
        (vec![], "name_without_address"),
        (vec!["10.9.8.7".parse().unwrap(); 33], "name_with_many_addresses"),
    ];
    for (answer, class) in answers {
        let outbound = Set { names: Arc::new(move |_| answer.clone()), ..Set::default() }.open();
        let url = format!("http://mixed.example.com:{}/", peer.port());
        assert_eq!(post(&outbound, &url).await.unwrap_err().class(), class);
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn this_server_does_not_call_itself() {
    let peer = Peer::silent().await;
    let own = vec![peer.address];
    // Loopback is allowed as a whole, hence this server too.
    let open = Set { rules: vec!["127.0.0.0/8"], own: own.clone(), ..Set::default() }.open();
    let url = format!("http://127.0.0.1:{}/", peer.port());
    assert!(post(&open, &url).await.is_ok());
    let shut = Set { own, ..Set::default() }.open();
    assert!(post(&shut, &url).await.is_err());
    assert_eq!(peer.connections(), 1);
}
