//! Tables of headers, and the client that they name.

use http::HeaderValue;

use super::*;

const PROXY: &str = "10.0.0.1:4711";

/// Who is seen behind `peer` with these headers; 10.0.0.0/8 and fd00::/8 are trusted.
fn seen(peer: &str, lines: &[(&'static str, &str)]) -> (String, Reached) {
    let proxies = Ranges::from_texts(["10.0.0.0/8", "fd00::/8"]).unwrap();
    let mut request = Request::new(());
    request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    for (name, value) in lines {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    see_through(&proxies, &mut request);
    let ConnectInfo(address) = request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap();
    let reached = request.extensions().get::<Reached>().cloned().unwrap_or_default();
    (address.to_string(), reached)
}

fn check(lines: &[(&'static str, &str)], expected: &str) {
    assert_eq!(seen(PROXY, lines).0, expected, "{lines:?}");
}

#[test]
fn headers_of_untrusted_peers_count_for_nothing() {
    let lines = [
        (FOR, "192.0.2.1"),
        (PROTO, "https"),
        (HOST, "evil.example"),
        (FORWARDED, "for=192.0.2.1;proto=https;host=evil.example"),
    ];
    for peer in ["203.0.113.5:1", "[2001:db8::1]:1", "[::ffff:203.0.113.5]:1"] {
        assert_eq!(seen(peer, &lines), (peer.to_owned(), Reached::default()));
    }
    // IPv4 within IPv6 is the same address.
    assert_eq!(seen("[::ffff:10.0.0.1]:1", &lines[..1]).0, "192.0.2.1:0");
}

#[test]
fn the_right_most_untrusted_hop_is_the_client() {
    check(&[], PROXY);
    check(&[(FOR, "203.0.113.9")], "203.0.113.9:0");
    check(&[(FOR, "192.0.2.1, 203.0.113.9")], "203.0.113.9:0");
    check(&[(FOR, "192.0.2.1, 203.0.113.9, 10.0.0.2, 10.0.0.3")], "203.0.113.9:0");
    check(&[(FOR, "192.0.2.1"), (FOR, "203.0.113.9"), (FOR, "10.0.0.2")], "203.0.113.9:0");
    // All are trusted: the outermost is as much as anybody knows.
    check(&[(FOR, "10.9.9.9, 10.0.0.2")], "10.9.9.9:0");
    check(&[(FOR, " 203.0.113.9 ,, 10.0.0.2 ,")], "203.0.113.9:0");
    check(&[(FOR, "")], PROXY);
}

#[test]
fn addresses_come_in_many_spellings() {
    for (text, expected) in [
        ("203.0.113.9:1234", "203.0.113.9:1234"),
        ("2001:db8::9", "[2001:db8::9]:0"),
        ("[2001:db8::9]", "[2001:db8::9]:0"),
        ("[2001:db8::9]:1234", "[2001:db8::9]:1234"),
        ("\"[2001:db8::9]:1234\"", "[2001:db8::9]:1234"),
        ("::ffff:203.0.113.9", "203.0.113.9:0"),
        ("[::ffff:203.0.113.9]:7", "203.0.113.9:7"),
    ] {
        check(&[(FOR, text)], expected);
        check(&[(FOR, &format!("192.0.2.1, {text}, fd00::2"))], expected);
    }
}

#[test]
fn what_is_no_address_ends_the_way_at_the_hop_that_told_it() {
    for garbage in [
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113.9:",
        "203.0.113.9:x",
        "203.0.113.9:65536",
        "203.0.113.9:-1",
        "203.0.113",
        "0xcb007109",
        "[203.0.113.9]",
        "[2001:db8::9",
        "2001:db8::9]:80",
        "[2001:db8::9]x",
        "fe80::1%eth0",
        "203.0.113.9 192.0.2.1",
        "\u{fffd}",
    ] {
        check(&[(FOR, garbage)], PROXY);
        check(&[(FOR, &format!("192.0.2.1, {garbage}"))], PROXY);
        check(&[(FOR, &format!("192.0.2.1, {garbage}, 10.0.0.2"))], "10.0.0.2:0");
        // What the client wrote does not reach what the proxy adds.
        check(&[(FOR, &format!("{garbage}, 203.0.113.9"))], "203.0.113.9:0");
    }
}

#[test]
fn the_standard_header_tells_the_same() {
    for (text, expected) in [
        ("for=203.0.113.9", "203.0.113.9:0"),
        ("For=\"203.0.113.9:47\";proto=https;by=10.0.0.1", "203.0.113.9:47"),
        ("for=\"203.0.113.9:_port\"", "203.0.113.9:0"),
        ("proto=https; for=\"[2001:db8::9]:47\"", "[2001:db8::9]:47"),
        ("for=192.0.2.1, for=203.0.113.9;proto=http", "203.0.113.9:0"),
        ("for=192.0.2.1, for=203.0.113.9, for=10.0.0.2", "203.0.113.9:0"),
        ("for=192.0.2.1, for=_hidden", PROXY),
        ("for=192.0.2.1, for=unknown", PROXY),
        ("for=192.0.2.1, proto=https", PROXY),
        ("for=192.0.2.1;for=203.0.113.9", "203.0.113.9:0"),
        ("for", PROXY),
        (";;=,", PROXY),
        // A quote that the client leaves open hides nothing.
        ("for=\"192.0.2.1, for=203.0.113.9", "203.0.113.9:0"),
    ] {
        check(&[(FORWARDED, text)], expected);
    }
}

#[test]
fn two_kinds_of_headers_must_name_one_client() {
    check(&[(FOR, "203.0.113.9"), (FORWARDED, "for=\"203.0.113.9:47\"")], "203.0.113.9:47");
    check(&[(FOR, "203.0.113.9"), (FORWARDED, "for=192.0.2.1")], PROXY);
    check(&[(FOR, "192.0.2.1"), (FORWARDED, "for=203.0.113.9")], PROXY);
    check(&[(FOR, "203.0.113.9"), (FORWARDED, "for=unknown")], PROXY);
    let lines = [(FOR, "203.0.113.9"), (FORWARDED, "for=192.0.2.1"), (PROTO, "https")];
    assert_eq!(seen(PROXY, &lines).1, Reached::default());
}

#[test]
fn scheme_and_host_are_those_that_the_client_called() {
    for (lines, is_secure, host) in [
        (
            &[(FOR, "203.0.113.9"), (PROTO, "https"), (HOST, "hub.example")][..],
            true,
            Some("hub.example"),
        ),
        (&[(PROTO, "HTTPS")], true, None),
        (&[(PROTO, "wss")], true, None),
        (&[(PROTO, "http")], false, None),
        (&[(PROTO, "gopher")], false, None),
        // As far from the right end as the client's address.
        (&[(FOR, "203.0.113.9, 10.0.0.2"), (PROTO, "https, http")], true, None),
        (&[(FOR, "203.0.113.9, 10.0.0.2"), (PROTO, "https")], true, None),
        (&[(FOR, "192.0.2.1, 203.0.113.9"), (PROTO, "https, http")], false, None),
        (
            &[(FOR, "203.0.113.9"), (HOST, "evil.example, hub.example:8443")],
            false,
            Some("hub.example:8443"),
        ),
        (
            &[(
                FORWARDED,
                "for=192.0.2.1;proto=http, for=203.0.113.9;proto=https;host=\"h.example:8\"",
            )],
            true,
            Some("h.example:8"),
        ),
        (&[(FORWARDED, "for=203.0.113.9;proto=https, for=10.0.0.2;proto=http")], true, None),
    ] {
        let host = host.map(str::to_owned);
        assert_eq!(seen(PROXY, lines).1, Reached { is_secure, host }, "{lines:?}");
    }
}
