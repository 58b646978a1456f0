//! The verdict as tables: a text or a set of addresses, and what becomes of it.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

mod embedding;

fn checked(text: &str) -> Result<String, Refusal> {
    check_url(text, &Allow::none()).map(|url| url.host_str().unwrap_or_default().to_owned())
}

fn check(text: &str, expected: Refusal) {
    assert_eq!(checked(text), Err(expected), "{text:?}");
}

#[test]
fn public_urls_pass() {
    for (text, host) in [
        ("http://vendor.example.com/report.pdf?a=1#x", "vendor.example.com"),
        ("HTTPS://Vendor.Example.COM", "vendor.example.com"),
        ("https://vendor.example.com.:8443/", "vendor.example.com."),
        ("http://1.1.1.1:80/", "1.1.1.1"),
        ("http://0x01010101/", "1.1.1.1"),
        ("https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]"),
        ("https://报告.example.com/报告.pdf", "xn--4rrx74a.example.com"),
    ] {
        assert_eq!(checked(text).as_deref(), Ok(host), "{text}");
    }
}

#[test]
fn ipv4_is_checked_in_every_spelling() {
    use AddressClass::*;
    for (host, class) in [
        ("127.0.0.1", Loopback),
        ("2130706433", Loopback),
        ("0x7f000001", Loopback),
        ("0X7F000001", Loopback),
        ("017700000001", Loopback),
        ("0177.0.0.1", Loopback),
        ("0x7f.1", Loopback),
        ("127.1", Loopback),
        ("127.0.1", Loopback),
        ("127.0.0.1.", Loopback),
        ("127.0.0.0x", Loopback),
        ("１２７.０.０.１", Loopback),
        ("127。0。0。1", Loopback),
        ("127．0．0．1", Loopback),
        ("①②⑦.⓪.⓪.①", Loopback),
        ("%31%32%37.0.0.1", Loopback),
        ("127%2e0%2e0%2e1", Loopback),
        ("0", Unspecified),
        ("0.0.0.0", Unspecified),
        ("0xa9fea9fe", LinkLocal),
        ("169.254.169.254", LinkLocal),
        ("2852039166", LinkLocal),
        ("10.1", Private),
        ("192.168.257", Private),
        ("0xffffffff", Reserved),
    ] {
        check(&format!("http://{host}/"), Refusal::Address(class));
        check(&format!("https://{host}:8443/x"), Refusal::Address(class));
    }
    for malformed in ["256.0.0.1", "4294967296", "1.2.3.4.5", "0x100000000", "1.2.3.09"] {
        check(&format!("http://{malformed}/"), Refusal::Malformed);
    }
}

#[test]
fn ipv6_is_checked_in_every_spelling() {
    use AddressClass::*;
    for (host, class) in [
        ("[::1]", Loopback),
        ("[0:0:0:0:0:0:0:1]", Loopback),
        ("[0000:0000::0001]", Loopback),
        ("[::]", Unspecified),
        ("[::127.0.0.1]", EmbedsIpv4),
        ("[::ffff:127.0.0.1]", EmbedsIpv4),
        ("[::FFFF:7f00:1]", EmbedsIpv4),
        ("[64:ff9b::7f00:1]", EmbedsIpv4),
        ("[64:ff9b:1::1]", EmbedsIpv4),
        ("[2001::1]", EmbedsIpv4),
        ("[2002:7f00:1::]", EmbedsIpv4),
        ("[2001:db8::1]", Documentation),
        ("[fd00:ec2::254]", Private),
        ("[fe80::1]", LinkLocal),
        ("[fec0::1]", Private),
        ("[ff02::1]", Multicast),
        ("[100::1]", Reserved),
    ] {
        check(&format!("http://{host}/"), Refusal::Address(class));
    }
    for malformed in ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1", "::1", "[127.0.0.1]", "[]"] {
        check(&format!("http://{malformed}/"), Refusal::Malformed);
    }
}

#[test]
fn inner_names_are_refused() {
    for host in ["localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "db"] {
        check(&format!("http://{host}/"), Refusal::InnerName);
    }
    check("http://ｌｏｃａｌｈｏｓｔ/", Refusal::InnerName);
    for host in ["", ".", "..", "a..", ":80", "a b.example.com", "a%00.example.com"] {
        check(&format!("http://{host}/"), Refusal::Malformed);
    }
}

#[test]
fn only_absolute_http_urls_of_a_plain_form_pass() {
    for scheme in ["file", "ftp", "gopher", "data", "jar", "dict", "ldap", "blob", "unix", "ws"] {
        check(&format!("{scheme}://vendor.example.com/x"), Refusal::Scheme);
    }
    check("javascript:alert(1)", Refusal::Scheme);
    check("blob:http://vendor.example.com/x", Refusal::Scheme);
    check(" http://vendor.example.com/", Refusal::Scheme);
    for text in [
        "",
        "vendor.example.com/x",
        "//vendor.example.com/x",
        "/x",
        "http:vendor.example.com",
        "http:/vendor.example.com",
        "http:///vendor.example.com",
        "http:\\\\vendor.example.com",
        "http://vendor.example.com\\x",
        "http://127.0.0.1\\@vendor.example.com/",
        "http://vendor.example.com/\tx",
        "http://vendor.example.com/\r\nHost: inner",
        "http://ven\ndor.example.com/",
        "http://vendor.example.com/a b",
        "http://vendor.example.com/\u{0}",
        "http://",
        "http://?x",
    ] {
        check(text, Refusal::Malformed);
    }
}

#[test]
fn user_info_is_refused_even_when_empty() {
    for text in [
        "http://user@vendor.example.com/",
        "http://user:pass@vendor.example.com/",
        "http://@vendor.example.com/",
        "http://:@vendor.example.com/",
        "http://vendor.example.com@127.0.0.1/",
        "http://127.0.0.1:80@vendor.example.com/",
    ] {
        check(text, Refusal::UserInfo);
    }
    // Behind the authority an @ is an ordinary character.
    assert!(checked("http://vendor.example.com/@a?b=@c").is_ok());
    assert_eq!(
        checked("http://vendor.example.com#@127.0.0.1/").as_deref(),
        Ok("vendor.example.com")
    );
}

#[test]
fn only_the_usual_ports_pass() {
    for port in ["22", "25", "6379", "0", "65535", "65536", "8080", "99999999", "-1", "8e1"] {
        check(&format!("http://vendor.example.com:{port}/"), Refusal::Port);
        check(&format!("http://1.1.1.1:{port}/"), Refusal::Port);
    }
    for port in [":80", ":443", ":8443", ":", ""] {
        assert!(checked(&format!("http://vendor.example.com{port}/")).is_ok(), "{port}");
    }
}

#[test]
fn the_length_counts_in_characters() {
    let of = |length: usize| {
        let head = "https://vendor.example.com/";
        format!("{head}{}", "报".repeat(length - head.len()))
    };
    assert!(checked(&of(2_048)).is_ok());
    check(&of(2_049), Refusal::TooLong);
}

#[test]
fn what_is_allowed_passes_on_any_port() {
    let rules = ["10.1.0.0/16", "fd00::/8", "hook.internal", "db"];
    let allow = Allow::from_rules(rules).unwrap();
    for text in [
        "http://10.1.2.3:9000/",
        "http://0x0a010203:9000/",
        "http://[fd00::1]:1/",
        "http://hook.internal:9000/",
        "http://HOOK.internal.:9000/",
        "http://db:5000/",
        // The port of an unknown name is checked with its addresses.
        "http://vendor.example.com:9000/",
    ] {
        assert!(check_url(text, &allow).is_ok(), "{text}");
    }
    for (text, refusal) in [
        ("http://10.2.0.1/", Refusal::Address(AddressClass::Private)),
        ("http://[::ffff:10.1.2.3]/", Refusal::Address(AddressClass::EmbedsIpv4)),
        ("http://127.0.0.1/", Refusal::Address(AddressClass::Loopback)),
        ("http://localhost/", Refusal::InnerName),
        ("http://other/", Refusal::InnerName),
        ("http://10.1.2.3:0/", Refusal::Port),
        ("http://hook.internal:0/", Refusal::Port),
        ("http://1.1.1.1:9000/", Refusal::Port),
        ("http://user@hook.internal/", Refusal::UserInfo),
        ("ftp://hook.internal/", Refusal::Scheme),
    ] {
        assert_eq!(check_url(text, &allow), Err(refusal), "{text}");
    }
    let loopback = Allow::loopback();
    for text in ["http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"] {
        assert!(check_url(text, &loopback).is_ok(), "{text}");
    }
    assert!(check_url("http://10.0.0.1/", &loopback).is_err());
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn name(text: &str) -> Host<String> {
    Host::Domain(text.to_owned())
}

#[test]
fn one_inner_address_refuses_the_whole_name() {
    let guard = Guard::default();
    let vendor = name("vendor.example.com");
    let check = |texts: &[&str]| guard.check_all(&vendor, &addresses(texts));
    assert_eq!(check(&["1.1.1.1:443", "[2606:4700:4700::1111]:443"]), Ok(()));
    for inner in ["127.0.0.1:443", "[::1]:443", "[::ffff:1.1.1.1]:443", "169.254.169.254:443"] {
        assert!(check(&[inner]).is_err(), "{inner}");
        assert!(check(&["1.1.1.1:443", inner]).is_err(), "{inner} second");
        assert!(check(&[inner, "1.1.1.1:443"]).is_err(), "{inner} first");
    }
    assert_eq!(check(&[]), Err(Refusal::NoAddress));
    assert_eq!(check(&["1.1.1.1:443"; 32]), Ok(()));
    assert_eq!(check(&["1.1.1.1:443"; 33]), Err(Refusal::ManyAddresses));
    assert_eq!(check(&["1.1.1.1:9000"]), Err(Refusal::Port));
}

#[test]
fn a_name_allowed_by_name_may_have_any_address_but_not_another_name() {
    let allow = Allow::from_rules(["hook.internal"]).unwrap();
    let guard = Guard { allow, ..Guard::default() };
    let inner = addresses(&["10.0.0.1:9000", "1.1.1.1:9000"]);
    assert_eq!(guard.check_all(&name("hook.internal"), &inner), Ok(()));
    assert!(guard.check_all(&name("vendor.example.com"), &inner).is_err());
}

#[test]
fn this_server_itself_is_refused_unless_allowed() {
    let own: SocketAddr = "1.2.3.4:443".parse().unwrap();
    let mut guard =
        Guard { own: vec![own], own_names: vec!["hub.example.com".to_owned()], ..Guard::default() };
    let vendor = name("vendor.example.com");
    assert_eq!(guard.check_all(&vendor, &[own]), Err(Refusal::Own));
    assert_eq!(guard.check_all(&vendor, &addresses(&["1.2.3.4:80"])), Ok(()));
    assert_eq!(guard.check("https://HUB.example.com./x"), Err(Refusal::Own));
    guard.allow = Allow::from_rules(["64:ff9b::/96"]).unwrap();
    let translated = addresses(&["[64:ff9b::1.2.3.4]:443"]);
    assert_eq!(guard.check_all(&vendor, &translated), Err(Refusal::Own));
    guard.own_names.push("1.2.3.4".to_owned());
    assert_eq!(guard.check("https://[64:ff9b::1.2.3.4]/x"), Err(Refusal::Own));
    assert!(guard.check("https://nohub.example.com/x").is_ok());

    guard.allow = Allow::from_rules(["1.2.3.4", "hub.example.com"]).unwrap();
    assert_eq!(guard.check_all(&vendor, &[own]), Ok(()));
    assert!(guard.check("https://hub.example.com/x").is_ok());
}

#[test]
fn an_unspecified_listen_address_stands_for_all_of_the_machine() {
    let own = addresses(&["0.0.0.0:8443"]);
    let guard = Guard { own, ..Guard::default() };
    assert!(guard.is_own("127.0.0.1:8443".parse().unwrap()));
    assert!(!guard.is_own("127.0.0.1:443".parse().unwrap()));
    assert!(!guard.is_own("192.0.2.1:8443".parse().unwrap()));
}

#[test]
fn the_request_target_is_called_as_written() {
    for (text, target) in [
        ("http://v.example.com", "/"),
        ("http://v.example.com?a=1", "/?a=1"),
        ("http://v.example.com/a/../b//c/%7e?x=%2F&y='#frag", "/a/../b//c/%7e?x=%2F&y='"),
        ("https://v.example.com:8443/a?b?c//d", "/a?b?c//d"),
        ("http://v.example.com/报告.pdf", "/%E6%8A%A5%E5%91%8A.pdf"),
        ("http://v.example.com/a<b>", "/a%3Cb%3E"),
    ] {
        let url = check_url(text, &Allow::none()).unwrap();
        assert_eq!(request_target(text, &url).as_str(), target, "{text}");
    }
}

#[test]
fn every_refusal_has_one_text_and_its_own_class() {
    let refusals = [
        Refusal::TooLong,
        Refusal::Malformed,
        Refusal::Scheme,
        Refusal::UserInfo,
        Refusal::Port,
        Refusal::InnerName,
        Refusal::Address(AddressClass::Private),
        Refusal::Address(AddressClass::Loopback),
        Refusal::Own,
        Refusal::NoAddress,
        Refusal::ManyAddresses,
        Refusal::Downgrade,
    ];
    let texts: std::collections::HashSet<_> = refusals.iter().map(ToString::to_string).collect();
    let classes: std::collections::HashSet<_> = refusals.iter().map(|each| each.class()).collect();
    assert_eq!((texts.len(), classes.len()), (1, refusals.len()));
}

/// What the standard library and plain arithmetic say of an address, apart from our table of blocks.
fn is_plainly_inner(address: IpAddr) -> bool {
    let is_inner_v4 = |v4: Ipv4Addr| {
        let [a, b, ..] = v4.octets();
        v4.is_private()
            || v4.is_loopback()
            || v4.is_link_local()
            || v4.is_broadcast()
            || v4.is_documentation()
            || v4.is_multicast()
            || a == 0
            || a >= 240
            || (a, b & 0xc0) == (100, 64)
            || (a, b & 0xfe) == (198, 18)
    };
    match address {
        IpAddr::V4(v4) => is_inner_v4(v4),
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            v6.to_ipv4().is_some()
                || v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || first == 0x2002
                || first == 0x64
                || !(0x2000..0x4000).contains(&first)
        }
    }
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        // Near the blocks that matter.
        (
            any::<u128>(),
            prop::sample::select(vec![
                0x2000u16, 0x2001, 0x2002, 0x64, 0x3fff, 0xfc00, 0xfe80, 0xff02, 0
            ])
        )
            .prop_map(|(bits, first)| {
                IpAddr::V6(Ipv6Addr::from_bits(bits >> 16 | u128::from(first) << 112))
            }),
        any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from_bits(bits).to_ipv6_mapped())),
    ]
}

/// Parts that URLs are made of, and some that they should not be made of.
fn url_part() -> impl Strategy<Value = String> {
    let known = vec![
        "http://",
        "https://",
        "HTTP:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "#",
        "?",
        "%",
        "%31",
        "%2e",
        ".",
        "..",
        "[",
        "]",
        "::1",
        "::ffff:",
        "127.0.0.1",
        "10.1",
        "0x7f",
        "2130706433",
        "localhost",
        "vendor.example.com",
        "8.8.8.8",
        "80",
        "443",
        "9000",
        "user:pass@",
        "\t",
        "\n",
        " ",
        "１",
        "。",
        "①",
        "xn--",
        "-",
    ];
    prop_oneof![3 => prop::sample::select(known).prop_map(str::to_owned), 1 => "[ -~]{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// One inner address among any number refuses them all.
    #[test]
    fn no_list_with_a_plainly_inner_address_passes(
        list in prop::collection::vec(any_address(), 1..6),
        port in prop::sample::select(vec![80u16, 443, 8443]),
    ) {
        let sockets: Vec<_> = list.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let verdict = Guard::default().check_all(&name("vendor.example.com"), &sockets);
        if list.iter().copied().any(is_plainly_inner) {
            prop_assert!(verdict.is_err(), "{list:?}");
        }
    }

    /// What passes names the same public host and port to the checker and to the connector.
    #[test]
    fn check_and_caller_read_the_same_host(parts in prop::collection::vec(url_part(), 1..8), is_web in any::<bool>()) {
        let text = format!("{}{}", if is_web { "http://" } else { "" }, parts.concat());
        if let Ok(url) = check_url(&text, &Allow::none()) {
            // What cannot be called so is refused when it is to be called.
            let Ok(uri) = crate::uri(&text, &url) else { return Ok(()) };
            prop_assert_eq!(uri.host(), url.host_str(), "{}", text);
            let port = uri.port_u16().or(url.port_or_known_default());
            prop_assert!(matches!(port, Some(80 | 443 | 8443)), "{text}: {port:?}");
            prop_assert_eq!(port, url.port_or_known_default(), "{}", text);
            let host = uri.host().unwrap().trim_matches(|c| c == '[' || c == ']');
            if let Ok(address) = host.trim_end_matches('.').parse::<IpAddr>() {
                prop_assert!(!is_plainly_inner(address), "{text}");
            }
            prop_assert!(!host.contains("localhost") || host.contains('.'), "{text}");
        }
    }
}
