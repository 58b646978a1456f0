//! Reports: streamed, bounded, redirected, refused.

use system::bytes_writer::BytesWriter;

use super::*;

async fn fetch(outbound: &Outbound, url: &str) -> (Result<Fetched, FetchFailure>, Vec<u8>) {
    let mut writer = Vec::new();
    let fetched = outbound.fetch(url, &mut writer).await;
    (fetched, writer)
}

async fn class_of(outbound: &Outbound, url: &str) -> &'static str {
    let (fetched, writer) = fetch(outbound, url).await;
    assert_eq!(writer, b"", "nothing of a refused answer is handed on");
    fetched.unwrap_err().class()
}

fn url(peer: &Peer) -> String {
    format!("http://hook.test:{}/r.pdf", peer.port())
}

#[tokio::test]
async fn a_report_is_streamed_into_the_endpoint() {
    let body = "%PDF-".repeat(20_000);
    let sent = body.clone();
    let peer =
        Peer::start(move |_, _| reply("200 OK", "content-type: application/pdf\r\n", &sent)).await;
    let (fetched, writer) = fetch(&Set::default().open(), &url(&peer)).await;
    let expected = Fetched {
        bytes: 100_000,
        final_host: "hook.test".to_owned(),
        content_type: Some("application/pdf".to_owned()),
    };
    assert_eq!(fetched.unwrap(), expected);
    assert_eq!(writer, body.as_bytes());

    let requests = peer.requests();
    let request = &requests[0];
    assert!(request.starts_with("GET /r.pdf HTTP/1.1\r\n"), "{request}");
    for line in ["Accept-Encoding: identity", "Connection: close", "User-Agent: Probity/"] {
        assert!(request.contains(&format!("\r\n{line}")), "{line} in {request}");
    }
    assert!(request.contains(&format!("\r\nHost: hook.test:{}\r\n", peer.port())), "{request}");
}

#[tokio::test]
async fn a_report_without_length_ends_with_the_connection_or_the_last_chunk() {
    let outbound = Set::default().open();
    let closing = Peer::start(|_, _| b"HTTP/1.1 200 OK\r\n\r\nabc".to_vec()).await;
    assert_eq!(fetch(&outbound, &url(&closing)).await.1, b"abc");
    let chunks =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";
    let chunked = Peer::start(|_, _| chunks.to_vec()).await;
    let (fetched, writer) = fetch(&outbound, &url(&chunked)).await;
    assert_eq!((fetched.unwrap().bytes, &writer[..]), (3, &b"abc"[..]));
}

#[tokio::test]
async fn too_large_is_refused_at_once_or_when_it_shows() {
    let outbound = Set::default().open();
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n...";
    let announced = Peer::start(|_, _| head.to_vec()).await;
    assert_eq!(class_of(&outbound, &url(&announced)).await, "answer_too_large");

    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(100_020, b'x');
    let endless = Peer::start(move |_, _| endless.clone()).await;
    let (fetched, writer) = fetch(&outbound, &url(&endless)).await;
    assert!(matches!(fetched, Err(FetchFailure::TooLarge { bytes_max: 100_000 })), "{fetched:?}");
    assert!(writer.len() <= 100_000);
}

#[tokio::test]
async fn a_source_that_fails_is_told_by_its_failure() {
    let outbound = Set::default().open();
    for (answer, class) in [
        (reply("404 Not Found", "", "gone"), "answer_status"),
        (reply("206 Partial Content", "", "part"), "answer_status"),
        (reply("300 Multiple Choices", "location: /x\r\n", ""), "answer_status"),
        (reply("200 OK", "content-encoding: gzip\r\n", "packed"), "answer_encoded"),
        (
            reply("200 OK", "content-encoding: identity\r\ncontent-encoding: br\r\n", "x"),
            "answer_encoded",
        ),
        (reply("302 Found", "", ""), "redirects"),
        (b"SSH-2.0-x\r\n\r\n".to_vec(), "answer_malformed"),
    ] {
        let peer = Peer::start(move |_, _| answer.clone()).await;
        assert_eq!(class_of(&outbound, &url(&peer)).await, class);
    }
    let chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc";
    let peer = Peer::start(|_, _| chunk.to_vec()).await;
    let (cut_off, _) = fetch(&outbound, &url(&peer)).await;
    assert!(matches!(cut_off, Err(FetchFailure::Broken)), "{cut_off:?}");
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let outbound = Set::default().open();
    let long = format!(
        "HTTP/1.1 200 OK\r\nx-filler: {}\r\ncontent-length: 1\r\n\r\na",
        "x".repeat(100_000)
    );
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}content-length: 1\r\n\r\na",
        "x-filler: x\r\n".repeat(10_000)
    );
    let informing = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100_000);
    for (head, expected) in
        [(long, "answer_malformed"), (many, "answer_malformed"), (informing, "answer_broken")]
    {
        let peer = Peer::start(move |_, _| head.clone().into_bytes()).await;
        let class = class_of(&outbound, &url(&peer)).await;
        assert!([expected, "answer_too_slow"].contains(&class), "{class}, expected {expected}");
    }
}

#[tokio::test]
async fn a_source_that_stalls_is_given_up_in_time() {
    let outbound = Set::hasty().open();
    let peer = Peer::start(|_, _| Vec::new()).await;
    assert_eq!(class_of(&outbound, &url(&peer)).await, "answer_too_slow");
    let short = b"HTTP/1.1 200 OK\r\nx-content-length: 0\r\nContent-Length: 9\r\n\r\nabc";
    let peer = Peer::start(|_, _| [short.as_slice(), b"..."].concat()).await;
    let (stalled, writer) = fetch(&outbound, &url(&peer)).await;
    assert!(matches!(stalled, Err(FetchFailure::TooSlow)), "{stalled:?}");
    assert_eq!(writer, b"abc...");
}

#[tokio::test]
async fn a_endpoint_that_fails_ends_the_fetch() {
    struct Full;
    impl BytesWriter for Full {
        async fn write(&mut self, _: Bytes) -> io::Result<()> {
            Err(io::Error::other("no room"))
        }
    }
    let peer = Peer::start(|_, _| ok("abc")).await;
    let fetched = Set::default().open().fetch(&url(&peer), &mut Full).await;
    assert_eq!(fetched.unwrap_err().class(), "sink");
}

#[tokio::test]
async fn redirects_are_followed_relative_and_absolute() {
    let last = Peer::start(|_, _| ok("found")).await;
    let to = format!("http://end.test:{}/c?x=%2F", last.port());
    let peer = Peer::start(move |request, _| match request.split(' ').nth(1).unwrap() {
        "/r.pdf" => redirect(302, "b?y=1"),
        "/b?y=1" => redirect(308, "//hook.test:PORT/d"),
        _ => redirect(301, &to),
    })
    .await;
    let set = Set { rules: vec!["hook.test", "end.test", "10.9.8.0/24"], ..Set::default() };
    let outbound = set.open();
    // The placeholder is no port: a redirect that leads nowhere.
    assert_eq!(class_of(&outbound, &url(&peer)).await, "redirects");
    let direct = format!("http://hook.test:{}/z", peer.port());
    let (fetched, writer) = fetch(&outbound, &direct).await;
    assert_eq!((fetched.unwrap().final_host.as_str(), &writer[..]), ("end.test", &b"found"[..]));
    assert!(last.requests()[0].starts_with("GET /c?x=%2F HTTP/1.1\r\n"));
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_loop_is_not() {
    let peer = Peer::start(|request, _| {
        let left: u32 = request.split(' ').nth(1).unwrap()[1..].parse().unwrap_or(99);
        if left == 0 { ok("found") } else { redirect(307, &format!("/{}", left - 1)) }
    })
    .await;
    let outbound = Set::default().open();
    let start = |left: u32| format!("http://hook.test:{}/{left}", peer.port());
    assert_eq!(fetch(&outbound, &start(5)).await.1, b"found");
    assert_eq!(class_of(&outbound, &start(6)).await, "redirects");

    let looping = Peer::start(|_, _| redirect(302, "/r.pdf")).await;
    assert_eq!(class_of(&outbound, &url(&looping)).await, "redirects");
    assert_eq!(looping.requests().len(), 6);
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    let silent = Peer::silent().await;
    let outbound = Set::default().open();
    for status in [301, 302, 303, 307, 308] {
        for host in INNER_HOSTS.iter().filter(|host| host.is_ascii()) {
            for form in ["http://HOST/", "//HOST/", "https://HOST/", "http:\\\\HOST/"] {
                let to = form.replace("HOST", &format!("{host}:{}", silent.port()));
                let sent = to.clone();
                let peer = Peer::start(move |_, _| redirect(status, &sent)).await;
                let (fetched, writer) = fetch(&outbound, &url(&peer)).await;
                let is_refused =
                    matches!(fetched, Err(FetchFailure::Unreachable(ConnectFailure::Refused(_))));
                assert!(is_refused, "{status} {to}: {fetched:?}");
                assert_eq!(writer, b"");
            }
        }
    }
    for to in ["file:///etc/passwd", "ftp://hook.test/", "data:,x", "http://x.test:99999/"] {
        let peer = Peer::start(move |_, _| redirect(302, to)).await;
        let (fetched, _) = fetch(&outbound, &url(&peer)).await;
        assert!(fetched.is_err(), "{to}");
    }
    assert_eq!(silent.connections(), 0);
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_fetched() {
    let silent = Peer::silent().await;
    let outbound = Set::default().open();
    let mut texts = std::collections::HashSet::new();
    for host in INNER_HOSTS {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{}/", silent.port());
            texts.insert(fetch(&outbound, &url).await.0.unwrap_err().to_string());
        }
    }
    texts.insert(FetchFailure::Unreachable(ConnectFailure::NotConnected).to_string());
    assert_eq!(texts.len(), 1, "one text for all: {texts:?}");
    assert_eq!(silent.connections(), 0);
}
