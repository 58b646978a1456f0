//! Transfers that break off: gone on with when the rest is of the same content, else given up; parts of two contents
//! are never put together.

use super::*;

const CONTENT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
const TAG: &str = "accept-ranges: bytes\r\netag: \"v1\"\r\n";

/// The first `count` bytes of an answer that announces all, then the end of the connection.
fn cut(headers: &str, count: usize) -> Vec<u8> {
    let length = CONTENT.len();
    let part = &CONTENT[..count];
    format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\nx-cut: 1\r\n\r\n{part}")
        .into_bytes()
}

/// What the request's range asks for, of which `count` bytes come before the connection ends.
fn rest(request: &str, headers: &str, count: usize) -> Vec<u8> {
    let begin = begin(request).unwrap();
    let (last, size) = (CONTENT.len() - 1, CONTENT.len());
    let length = size - begin;
    let part = &CONTENT[begin..(begin + count).min(size)];
    format!(
        "HTTP/1.1 206 Partial Content\r\n{headers}content-range: bytes {begin}-{last}/{size}\r\n\
         content-length: {length}\r\nx-cut: 1\r\n\r\n{part}"
    )
    .into_bytes()
}

fn begin(request: &str) -> Option<usize> {
    let line = request.lines().find_map(|line| line.strip_prefix("Range: bytes="))?;
    line.strip_suffix('-')?.parse().ok()
}

async fn fetch(outbound: &Outbound, peer: &Peer) -> (Result<Fetched, FetchFailure>, Vec<u8>) {
    let mut writer = Vec::new();
    let url = format!("http://hook.test:{}/r.pdf?sig=1", peer.port());
    let fetched = outbound.fetch(&url, &mut writer).await;
    (fetched, writer)
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_gone_on_with() {
    let peer = Peer::start(|request, number| match number {
        1 => cut(TAG, 10),
        2 => rest(request, TAG, 5),
        3 => rest(request, TAG, 0),
        _ => rest(request, TAG, 99),
    })
    .await;
    let (fetched, writer) = fetch(&Set::default().open(), &peer).await;
    assert_eq!((fetched.unwrap().bytes, writer.as_slice()), (36, CONTENT.as_bytes()));
    let requests = peer.requests();
    let begins: Vec<_> = requests.iter().map(|request| begin(request)).collect();
    assert_eq!(begins, [None, Some(10), Some(15), Some(15)]);
    for request in &requests[1..] {
        assert!(request.starts_with("GET /r.pdf?sig=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nIf-Range: \"v1\"\r\n"), "{request}");
    }
}

#[tokio::test]
async fn an_old_date_of_the_last_change_will_do_as_well() {
    let headers = "accept-ranges: bytes\r\ndate: Wed, 25 Nov 2026 12:00:00 GMT\r\n\
        last-modified: Tue, 24 Nov 2026 12:00:00 GMT\r\n";
    let peer = Peer::start(move |request, number| match number {
        1 => cut(headers, 1),
        _ => rest(request, headers, 99),
    })
    .await;
    let (fetched, writer) = fetch(&Set::default().open(), &peer).await;
    assert_eq!((fetched.unwrap().bytes, writer.as_slice()), (36, CONTENT.as_bytes()));
    assert!(peer.requests()[1].contains("\r\nIf-Range: Tue, 24 Nov 2026 12:00:00 GMT\r\n"));
}

#[tokio::test]
async fn a_stalled_transfer_is_gone_on_with() {
    let peer = Peer::start(|request, number| match number {
        // Three points at the end: nothing more comes, and the connection stays.
        1 => [cut(TAG, 0), CONTENT.as_bytes()[..7].to_vec(), b"...".to_vec()].concat(),
        _ => rest(request, TAG, 99),
    })
    .await;
    let (fetched, writer) = fetch(&Set::hasty().open(), &peer).await;
    // The points count as content, and the rest begins behind them.
    let expected = [&CONTENT[..7], "...", &CONTENT[10..]].concat();
    assert_eq!((fetched.unwrap().bytes, writer), (36, expected.into_bytes()));
}

#[tokio::test]
async fn parts_of_two_contents_are_never_put_together() {
    let other = "accept-ranges: bytes\r\netag: \"v2\"\r\n";
    type Second = fn(&str, &str) -> Vec<u8>;
    let cases: [(&str, Second, &str); 9] = [
        (
            "the whole of another content",
            |_, _| ok("another content of whatever length"),
            "answer_changed",
        ),
        ("the whole of the same content", |_, _| reply("200 OK", TAG, CONTENT), "answer_changed"),
        (
            "the rest of another content",
            |request, other| rest(request, other, 99),
            "answer_changed",
        ),
        ("a rest without a tag", |request, _| rest(request, "", 99), "answer_changed"),
        (
            "another part",
            |_, _| {
                reply(
                    "206 Partial Content",
                    &format!("{TAG}content-range: bytes 0-35/36\r\n"),
                    CONTENT,
                )
            },
            "answer_changed",
        ),
        (
            "a part of another size",
            |_, _| {
                reply(
                    "206 Partial Content",
                    &format!("{TAG}content-range: bytes 10-35/37\r\n"),
                    &CONTENT[10..],
                )
            },
            "answer_changed",
        ),
        (
            "several parts",
            |_, _| {
                reply(
                    "206 Partial Content",
                    &format!("{TAG}content-type: multipart/byteranges; boundary=x\r\n"),
                    "--x",
                )
            },
            "answer_changed",
        ),
        (
            "no such part",
            |_, _| reply("416 Range Not Satisfiable", "content-range: bytes */5\r\n", ""),
            "answer_changed",
        ),
        (
            "a packed part",
            |request, _| rest(request, &format!("{TAG}content-encoding: gzip\r\n"), 99),
            "answer_encoded",
        ),
    ];
    for (name, second, class) in cases {
        let peer = Peer::start(move |request, number| match number {
            1 => cut(TAG, 10),
            _ => second(request, other),
        })
        .await;
        let (fetched, writer) = fetch(&Set::default().open(), &peer).await;
        assert_eq!(fetched.unwrap_err().class(), class, "{name}");
        assert_eq!(writer, CONTENT.as_bytes()[..10], "{name}: nothing was added");
        assert_eq!(peer.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_source_that_is_gone_or_refuses_is_told_so() {
    for (status, class) in [("404 Not Found", "answer_status"), ("302 Found", "answer_status")] {
        let peer = Peer::start(move |_, number| match number {
            1 => cut(TAG, 10),
            _ => reply(status, "location: /other\r\n", ""),
        })
        .await;
        let (fetched, _) = fetch(&Set::default().open(), &peer).await;
        assert_eq!(fetched.unwrap_err().class(), class, "{status}");
        assert_eq!(peer.requests().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_source_that_allows_nothing_is_asked_once() {
    for headers in [
        "",
        "etag: \"v1\"\r\n",
        "accept-ranges: bytes\r\n",
        "accept-ranges: bytes\r\netag: W/\"v1\"\r\n",
        "accept-ranges: none\r\netag: \"v1\"\r\n",
    ] {
        let peer = Peer::start(move |_, _| cut(headers, 10)).await;
        let (fetched, _) = fetch(&Set::default().open(), &peer).await;
        assert_eq!(fetched.unwrap_err().class(), "answer_broken", "{headers}");
        assert_eq!(peer.requests().len(), 1, "{headers}");
    }
    // Nothing came, so there is nothing to go on with.
    let peer = Peer::start(|_, _| cut(TAG, 0)).await;
    assert_eq!(fetch(&Set::default().open(), &peer).await.0.unwrap_err().class(), "answer_broken");
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn tries_size_and_time_of_going_on_are_bounded() {
    // One byte at a time.
    let peer = Peer::start(|request, number| match number {
        1 => cut(TAG, 1),
        _ => rest(request, TAG, 1),
    })
    .await;
    let (fetched, writer) = fetch(&Set::default().open(), &peer).await;
    assert_eq!((fetched.unwrap_err().class(), peer.requests().len()), ("answer_broken", 6));
    assert_eq!(writer, CONTENT.as_bytes()[..6]);

    // Larger than said, in the rest.
    let mut set = Set::default();
    set.fetch.bytes_max = 20;
    let chunk = "HTTP/1.1 200 OK\r\naccept-ranges: bytes\r\netag: \"v1\"\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n9";
    let peer = Peer::start(move |request, number| match number {
        1 => chunk.as_bytes().to_vec(),
        _ => rest(request, TAG, 99),
    })
    .await;
    let (fetched, writer) = fetch(&set.open(), &peer).await;
    assert_eq!(
        (fetched.unwrap_err().class(), writer.as_slice()),
        ("answer_too_large", &b"0123456789"[..])
    );

    // The time is that of the whole.
    let peer = Peer::start(|_, number| match number {
        1 => cut(TAG, 10),
        _ => Vec::new(),
    })
    .await;
    let begun = system::clock::socket_now();
    let (fetched, _) = fetch(&Set::hasty().open(), &peer).await;
    assert_eq!(fetched.unwrap_err().class(), "answer_too_slow");
    assert!(begun.elapsed() < 5 * Set::hasty().fetch.total);
}
