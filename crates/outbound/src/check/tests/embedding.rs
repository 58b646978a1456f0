//! Addresses that embed IPv4 addresses, under rules that allow the outer ones.

use super::*;

/// `v4` in every form that carries an IPv4 address.
fn carriers(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let bits = u128::from(v4.to_bits());
    let public = u128::from(Ipv4Addr::new(8, 8, 8, 8).to_bits());
    let base = |text: &str| text.parse::<Ipv6Addr>().unwrap().to_bits();
    [
        base("::") | bits,
        base("::ffff:0:0") | bits,
        base("::ffff:0:0:0") | bits,
        base("64:ff9b::") | bits,
        base("64:ff9b:1::") | bits,
        base("64:ff9b:1:fffe::") | bits,
        base("2002::") | bits << 80,
        // Teredo, as its server and as its client.
        base("2001::") | bits << 64 | (!public & 0xffff_ffff),
        base("2001::") | public << 64 | (!bits & 0xffff_ffff),
        base("2606:4700::5efe:0:0") | bits,
        base("2606:4700::200:5efe:0:0") | bits,
        base("fd00::5efe:0:0") | bits,
    ]
    .map(Ipv6Addr::from_bits)
    .into()
}

#[test]
fn what_an_address_embeds_is_checked_whatever_allows_the_outer_one() {
    let everything = Allow::from_rules(["::/0"]).unwrap();
    let inner_too = Allow::from_rules(["::/0", "10.0.0.0/8"]).unwrap();
    for inner in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1"] {
        let inner: Ipv4Addr = inner.parse().unwrap();
        let class = is_public(inner.into()).unwrap_err();
        for carrier in carriers(inner) {
            let url = format!("http://[{carrier}]/");
            let expected =
                if inner.octets()[0] == 10 { Ok(()) } else { Err(Refusal::Address(class)) };
            assert_eq!(
                check_url(&url, &everything).map(|_| ()),
                Err(Refusal::Address(class)),
                "{url}"
            );
            assert_eq!(check_url(&url, &inner_too).map(|_| ()), expected, "{url}");
            let addresses = [SocketAddr::new(carrier.into(), 443)];
            let guard = Guard { allow: everything.clone(), ..Guard::default() };
            let checked = guard.check_all(&name("vendor.example.com"), &addresses);
            assert_eq!(checked, Err(Refusal::Address(class)), "{url}");
        }
    }
    for carrier in carriers(Ipv4Addr::new(9, 9, 9, 9)) {
        assert!(check_url(&format!("http://[{carrier}]/"), &everything).is_ok(), "{carrier}");
        let other_port = check_url(&format!("http://[{carrier}]:9000/"), &everything);
        assert_eq!(other_port, Err(Refusal::Port), "{carrier}");
    }
}

#[test]
fn a_translator_s_prefix_lets_out_what_is_public_behind_it() {
    let rules =
        ["nat64:64:ff9b::/96", "nat64:2a00:64::/32", "nat64:2a00:64:1:2::/64", "10.1.0.0/16"];
    let allow = Allow::from_rules(rules).unwrap();
    let private = Refusal::Address(AddressClass::Private);
    let embeds = Refusal::Address(AddressClass::EmbedsIpv4);
    for (text, expected) in [
        ("http://[64:ff9b::8.8.8.8]/", Ok(())),
        ("http://[64:ff9b::8.8.8.8]:9000/", Err(Refusal::Port)),
        ("http://[64:ff9b::10.0.0.1]/", Err(private)),
        ("http://[64:ff9b::10.1.0.1]:9000/", Ok(())),
        ("http://[2a00:64:808:808::]/", Ok(())),
        ("http://[2a00:64:a00:1::]/", Err(private)),
        // Not as the translator makes them.
        ("http://[2a00:64:808:808::1]/", Err(embeds)),
        // The longer prefix is the one that counts.
        ("http://[2a00:64:1:2:8:808:800:0]/", Ok(())),
        ("http://[2a00:64:1:2:a:0:100:0]/", Err(private)),
        ("http://[64:ff9b:1::8.8.8.8]/", Err(embeds)),
    ] {
        assert_eq!(check_url(text, &allow).map(|_| ()), expected, "{text}");
    }
    // Without the rule nobody can know that the prefix is a translator's.
    assert!(check_url("http://[2a00:64:a00:1::]/", &Allow::none()).is_ok());
}
