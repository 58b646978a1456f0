//! Bad bodies and bad heads to every call of the vendor, over the wire: each gets the envelope with a documented code,
//! and nothing of it is stored. Members are checked in bad_members.rs, the orders that are meant in bad_orders.rs.
//! Source: contract, sections 2.3, 2.6 and 6.2; limits in the product's section 12.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use std::time::Duration;

use harness::scene::Scene;
use harness::wire::{Ask, CALLS, path};
use harness::{Engine, World};
use system::clock::Clock;

const BAD_REQUEST: &str = "400 9499 Bad Request";
const DONE: &str = "200 0 success";
const BODY_BYTES_MAX: usize = 1024 * 1024;

#[tokio::test]
async fn what_is_no_strict_json_object_is_a_bad_request() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for (call, _) in CALLS {
                    for body in broken_bodies(&scene.body(call).to_string()) {
                        let shown =
                            String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
                        let answer = scene.send(call, body).await;
                        assert_eq!(answer.outcome(), BAD_REQUEST, "{call}: {shown}");
                    }
                }
            })
            .await;
    })
    .await;
}

fn broken_bodies(good: &str) -> Vec<Vec<u8>> {
    let inner = &good[1..good.len() - 1];
    let beside = |extra: &str| format!("{{{inner},{extra}}}").into_bytes();
    let nested = |depth: usize| format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
    let first = inner.split(',').next().unwrap();
    let with_bytes = |bytes: &[u8]| [b"{\"x\":\"", bytes, b"\",", inner.as_bytes(), b"}"].concat();
    let mut bodies: Vec<Vec<u8>> =
        [" ", "\n", "null", "true", "7", "\"text\"", "[]", "{", "}", "nul"]
            .map(|text| text.as_bytes().to_vec())
            .to_vec();
    bodies.extend([
        format!("[{good}]").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good},").into_bytes(),
        format!("{good} x").into_bytes(),
        good.as_bytes()[..good.len() - 1].to_vec(),
        good.replace('"', "'").into_bytes(),
        b"background_check_id=7000000000000000001&result=x".to_vec(),
        b"--x\r\nContent-Disposition: form-data; name=\"result\"\r\n\r\nx\r\n--x--\r\n".to_vec(),
        b"<xml>7</xml>".to_vec(),
        // A byte order mark; UTF-16.
        format!("\u{feff}{good}").into_bytes(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        // Invalid UTF-8: a stray byte, a cut character, an overlong one, a surrogate, beyond Unicode.
        with_bytes(b"\xff"),
        with_bytes(b"\xe6\x97"),
        with_bytes(b"\xc0\xaf"),
        with_bytes(b"\xed\xa0\x80"),
        with_bytes(b"\xf5\x80\x80\x80"),
        // Control characters as they stand.
        with_bytes(b"\0"),
        with_bytes(b"\n"),
        // Members that occur twice, also when both say the same, or one is escaped, or deep inside.
        beside(first),
        beside(r#""x":1,"x":1"#),
        beside(r#""x":1,"\u0078":1"#),
        beside(r#""x":[{"y":1,"y":2}]"#),
        // Deeper than 32 levels.
        beside(&nested(32)),
        beside(&nested(10_000)),
        "{\"x\":".repeat(10_000).into_bytes(),
        "[".repeat(100_000).into_bytes(),
        // Numbers that JSON does not have.
        beside("\"x\":NaN"),
        beside("\"x\":1e999"),
        beside("\"x\":0x10"),
        beside("\"x\":01"),
        // More than 100,000 values.
        beside(&format!("\"x\":[{}0]", "0,".repeat(100_000))),
    ]);
    bodies
}

#[tokio::test]
async fn no_bytes_at_all_are_a_bad_request_but_for_cancel() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for (call, path) in CALLS {
                    let expected = match call {
                        "cancel" => {
                            "400 99992402 field validation failed | \
                            background_check_id: background_check_id is required"
                        }
                        _ => BAD_REQUEST,
                    };
                    for ask in
                        [Ask::post(path, ""), Ask::post(path, "").chunked(), Ask::new("POST", path)]
                    {
                        assert_eq!(scene.vendor.ask(ask).await.outcome(), expected, "{call}");
                    }
                }
            })
            .await;
    })
    .await;
}

/// A body of 1 MiB and one byte, announced and in chunks, and one that is compressed.
#[tokio::test]
async fn a_body_that_is_too_large_or_compressed_is_a_bad_request() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let too_large = format!("{BAD_REQUEST} | body: expected at most 1048576 bytes");
        // `{"background_check_id":"7000000000000000001"}`
        let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x4a\x4c\xce\x4e\x2f\xca\x2f\
            \xcd\x4b\x89\x4f\xce\x48\x4d\xce\x8e\xcf\x4c\x51\xb2\x52\x32\x37\x40\x07\x86\x4a\xb5\x00\
            \x11\x1b\x6a\x84\x2d\x00\x00\x00";
        let padded = |call: &str, length: usize| {
            let mut body = scene.body(call).to_string().into_bytes();
            body.resize(length, b' ');
            body
        };
        scene
            .stores_nothing(async || {
                for (call, path) in CALLS {
                    let large = Ask::post(path, padded(call, BODY_BYTES_MAX + 1)).json();
                    for ask in [large.clone(), large.chunked()] {
                        assert_eq!(scene.vendor.ask(ask).await.outcome(), too_large, "{call}");
                    }
                    // A length that is only announced: nobody waits for the bytes.
                    let head = format!(
                        "POST {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nContent-Length: 1099511627776\r\n\r\n",
                        scene.vendor.token
                    );
                    world.clock.advance_ms(61);
                    let answer = world.line().await.send(head.as_bytes()).await;
                    assert_eq!(answer.outcome(), too_large, "{call}");
                    for encoding in ["gzip", "identity", "br"] {
                        let ask = Ask::post(path, *gzip).json().with("Content-Encoding", encoding);
                        assert_eq!(scene.vendor.ask(ask).await.outcome(), BAD_REQUEST, "{call}");
                    }
                }
            })
            .await;
        // What fits to the byte is taken.
        for call in ["packages", "update_progress", "update_result"] {
            let answer = scene.send(call, padded(call, BODY_BYTES_MAX)).await;
            assert_eq!(answer.outcome(), DONE, "{call}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_or_never_ends_is_a_bad_request() {
    for engine in Engine::available().await {
        let clock = Clock::manual(harness::BEGIN);
        let hasty = |config: &mut server::Config| config.body_time = Duration::from_millis(100);
        let world = World::start(engine, clock, false, hasty).await;
        let scene = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for (call, path) in CALLS {
                    let good = scene.body(call).to_string();
                    let token = &scene.vendor.token;
                    let head = format!(
                        "POST {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n"
                    );
                    for rest in [
                        format!("Content-Length: {}\r\n\r\n{good}", good.len() + 1),
                        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{good}\r\n", good.len()),
                        format!(
                            "Transfer-Encoding: chunked\r\n\r\nno number\r\n{good}\r\n0\r\n\r\n"
                        ),
                    ] {
                        world.clock.advance_ms(61);
                        let answer =
                            world.line().await.send(format!("{head}{rest}").as_bytes()).await;
                        let expected = format!("{BAD_REQUEST} | body: expected a complete body");
                        assert_eq!(answer.outcome(), expected, "{call}");
                    }
                }
            })
            .await;
    }
}

/// The documentation fixes the Content-Type, the platform does not insist on it. Source: contract, section 2.6.
#[tokio::test]
async fn any_content_type_and_none_are_taken() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        for call in ["update_progress", "update_result"] {
            let good = Ask::post(path(call), scene.body(call).to_string());
            for kind in [
                "application/json; charset=utf-8",
                "application/json",
                "APPLICATION/JSON;CHARSET=UTF-8",
                "application/json; charset=gbk",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/plain",
                "nonsense",
                "",
            ] {
                let answer = scene.vendor.ask(good.clone().with("Content-Type", kind)).await;
                assert_eq!(answer.outcome(), DONE, "{call} {kind}");
            }
            let two = good.clone().json().with("Content-Type", "text/plain");
            for ask in [good.clone(), two, good.clone().chunked(), good.with("Expect", "nothing")] {
                assert_eq!(scene.vendor.ask(ask).await.outcome(), DONE, "{call}");
            }
        }
        assert_eq!(scene.order().await.results.len(), 1, "all of them said the same");
    })
    .await;
}

/// A head that is not HTTP, or has no bounds, has no path and thus no envelope: it is refused without a word.
#[tokio::test]
async fn a_head_that_cannot_be_read_is_refused_with_an_empty_body() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let path = path("update_result");
        let body = scene.body("update_result").to_string();
        let good = Ask::post(path, body.as_str()).json().bearer(&scene.vendor.token);
        let mut many = good.clone();
        for number in 0..10_000 {
            many = many.with(&format!("X-{number}"), "x");
        }
        let wide = good.clone().with("X-Wide", vec![b'x'; 1 << 20]);
        scene
            .stores_nothing(async || {
                for ask in [many, wide] {
                    let mut line = world.line().await;
                    let answer = line.ask(&ask).await;
                    assert_eq!((answer.status, answer.text()), (431, ""));
                    assert!(line.is_closed().await);
                }
                for head in [
                    "nonsense\r\n\r\n".to_owned(),
                    format!("POST {path}\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
                    format!("POST {path} HTTP/1.1\r\nX\0: x\r\n\r\n"),
                    format!("POST {path} HTTP/1.1\r\nX: a\0b\r\n\r\n"),
                    format!("POST {path} HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}x"),
                    format!("POST {path} HTTP/1.1\r\nContent-Length: -1\r\n\r\n{{}}"),
                ] {
                    let mut line = world.line().await;
                    let answer = line.send(head.as_bytes()).await;
                    assert_eq!((answer.status, answer.text()), (400, ""), "{head:?}");
                    assert!(line.is_closed().await, "{head:?}");
                }
            })
            .await;
        // The server is as well as before.
        assert_eq!(world.ask(&good).await.outcome(), DONE);
    })
    .await;
}
