//! Addresses that nothing may be sent to, in all their spellings. Source: section 6 of the reliability list.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One address as somebody could hand it in.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The whole URL.
    pub(crate) url: String,
    /// The address that it stands for, where it stands for one: names are made to resolve to it.
    pub(crate) address: Option<IpAddr>,
}

/// Addresses of every class that is not public, with both ends of the larger blocks.
const ADDRESSES: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "0.255.255.255",
    "10.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "10.96.0.1",
    "10.0.2.2",
    "127.0.0.53",
    "169.254.169.253",
    "172.17.0.1",
    "192.168.1.254",
    "198.19.255.254",
    "203.0.113.255",
    "250.1.2.3",
    "::ffff:168.63.129.16",
    "fd12:3456:789a::1",
    "2001:db8:ffff::1",
    "ff0e::1",
];

/// Hosts that are another way to write an address, with that address; without one, names that are none outside.
const SPELLINGS: &[(&str, &str)] = &[
    ("2130706433", "127.0.0.1"),
    ("0x7f000001", "127.0.0.1"),
    ("0X7F000001", "127.0.0.1"),
    ("017700000001", "127.0.0.1"),
    ("0177.0.0.1", "127.0.0.1"),
    ("0x7f.1", "127.0.0.1"),
    ("0x7f.0.0.0x1", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("127.0.1", "127.0.0.1"),
    ("127.0.0.1.", "127.0.0.1"),
    ("127.0.0.0x", "127.0.0.0"),
    ("0", "0.0.0.0"),
    ("0x0", "0.0.0.0"),
    ("10.1", "10.0.0.1"),
    ("167772161", "10.0.0.1"),
    ("0xa9fea9fe", "169.254.169.254"),
    ("2852039166", "169.254.169.254"),
    ("0251.0376.0251.0376", "169.254.169.254"),
    ("169.254.43518", "169.254.169.254"),
    ("192.168.257", "192.168.1.1"),
    ("3232235777", "192.168.1.1"),
    ("１２７.０.０.１", "127.0.0.1"),
    ("127。0。0。1", "127.0.0.1"),
    ("127．0．0．1", "127.0.0.1"),
    ("①②⑦.⓪.⓪.①", "127.0.0.1"),
    ("①⓪.⓪.⓪.①", "10.0.0.1"),
    ("%31%32%37.0.0.1", "127.0.0.1"),
    ("127%2e0%2e0%2e1", "127.0.0.1"),
    ("%31%30.0.0.1", "10.0.0.1"),
    ("[0:0:0:0:0:0:0:1]", "::1"),
    ("[0000::0001]", "::1"),
    ("[::ffff:7f00:1]", "127.0.0.1"),
    ("[::FFFF:10.0.0.1]", "10.0.0.1"),
    ("localhost", ""),
    ("LOCALHOST", ""),
    ("localhost.", ""),
    ("a.localhost", ""),
    ("ｌｏｃａｌｈｏｓｔ", ""),
    ("intranet", ""),
    ("metadata", ""),
    ("[fe80::1%25lo]", ""),
    ("[fe80::1%lo]", ""),
    ("[::1", ""),
    ("256.256.256.256", ""),
    ("127.0.0.1.5", ""),
    ("user@127.0.0.1", ""),
    ("user:password@10.0.0.1", ""),
    ("9.9.9.1@10.0.0.1", ""),
    ("10.0.0.1#@9.9.9.1", ""),
    ("10.0.0.1\\@9.9.9.1", ""),
    ("9.9.9.1\\@10.0.0.1", ""),
    ("10.0.0.1%00.example.com", ""),
    ("10.0.0.1\t", ""),
    ("127.0\n.0.1", ""),
    (" 127.0.0.1", ""),
    ("", ""),
];

/// Whole URLs that are of no use to anybody who means well. `PORT` is the port that is allowed.
const FORMS: &[&str] = &[
    "file:///etc/passwd",
    "file://10.0.0.1/etc/passwd",
    "ftp://10.0.0.1/",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stats",
    "ldap://10.0.0.1/",
    "jar:http://10.0.0.1:PORT/!/",
    "data:text/html,x",
    "blob:http://10.0.0.1:PORT/x",
    "unix:///run/docker.sock",
    "http+unix://%2frun%2fdocker.sock/",
    "javascript:alert(1)",
    "view-source:http://127.0.0.1:PORT/",
    "http:\\\\10.0.0.1:PORT\\",
    "http:/10.0.0.1:PORT/",
    "http:10.0.0.1:PORT/",
    "http:///10.0.0.1:PORT/",
    "http:////10.0.0.1:PORT/",
    "//10.0.0.1:PORT/",
    "10.0.0.1:PORT/",
    "ht\ttp://10.0.0.1:PORT/",
    "http://9.9.9.1:22/",
    "http://9.9.9.1:25/",
    "http://9.9.9.1:6379/",
    "http://9.9.9.1:11211/",
    "http://9.9.9.1:0/",
    "http://9.9.9.1:65536/",
    "http://9.9.9.1:-1/",
    "http://127.0.0.1/",
    "https://10.0.0.1/",
    "https://[::1]:PORT/",
    "",
];

/// Forms that carry an IPv4 address: their other bits, and how far it is shifted. Teredo's client stands in its form
/// with all bits turned.
const CARRIERS: [(&str, u32, bool); 10] = [
    ("::", 0, false),
    ("::ffff:0:0", 0, false),
    ("64:ff9b::", 0, false),
    ("64:ff9b:1::", 0, false),
    ("2002::", 80, false),
    ("2001::f7f7:f7f7", 64, false),
    ("2001:0:808:808::", 0, true),
    ("2606:4700::5efe:0:0", 0, false),
    ("2606:4700::200:5efe:0:0", 0, false),
    ("fd00::5efe:0:0", 0, false),
];

/// Inner IPv4 addresses in every form that carries one.
pub(crate) fn embedding(port: u16) -> Vec<Case> {
    let mut cases = Vec::new();
    for inner in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "100.100.100.200"] {
        for (form, shift, is_turned) in CARRIERS {
            let address = IpAddr::V6(embed(inner, form, shift, is_turned));
            cases.push(Case {
                url: format!("http://[{address}]:{port}/r.pdf"),
                address: Some(address),
            });
        }
    }
    cases
}

fn embed(v4: &str, form: &str, shift: u32, is_turned: bool) -> Ipv6Addr {
    let v4 = v4.parse::<Ipv4Addr>().unwrap().to_bits();
    let v4 = u128::from(if is_turned { !v4 } else { v4 });
    Ipv6Addr::from_bits(form.parse::<Ipv6Addr>().unwrap().to_bits() | v4 << shift)
}

/// All of them, with `port` where a port matters.
pub(crate) fn cases(port: u16) -> Vec<Case> {
    let mut cases = Vec::new();
    for text in ADDRESSES {
        let address: IpAddr = text.parse().unwrap();
        let host = if address.is_ipv6() { format!("[{text}]") } else { (*text).to_owned() };
        cases.push(Case { url: format!("http://{host}:{port}/r.pdf"), address: Some(address) });
    }
    for (host, address) in SPELLINGS {
        let url = format!("http://{host}:{port}/r.pdf");
        cases.push(Case { url, address: address.parse().ok() });
    }
    for form in FORMS {
        cases.push(Case { url: form.replace("PORT", &port.to_string()), address: None });
    }
    let long = "x".repeat(2_048);
    cases.push(Case { url: format!("http://9.9.9.1:{port}/{long}"), address: None });
    cases
}
