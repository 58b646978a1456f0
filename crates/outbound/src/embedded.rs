//! IPv4 addresses inside IPv6 addresses: what a translator or a tunnel on the way turns an address into.
//!
//! A rule that allows the NAT64 prefix must not let `64:ff9b::169.254.169.254` reach 169.254.169.254. Sources: RFC
//! 4291 (mapped, compatible), RFC 2765 (translated), RFC 6052 and RFC 8215 (NAT64), RFC 3056 (6to4), RFC 4380
//! (Teredo), RFC 5214 (ISATAP).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::{Block, v6};

/// The lengths that a NAT64 prefix may have. Source: RFC 6052, section 2.2.
pub(super) const NAT64_BITS: [u8; 6] = [32, 40, 48, 56, 64, 96];

const COMPATIBLE: Block = v6(0, 0, 0, 0, 96);
const MAPPED: Block = Block::V6 { base: 0xffff << 32, bits: 96 };
const TRANSLATED: Block = Block::V6 { base: 0xffff << 48, bits: 96 };
const NAT64: Block = v6(0x64, 0xff9b, 0, 0, 96);
/// Any prefix in it may be a translator's, of any length from 48 bits on.
const NAT64_LOCAL: Block = v6(0x64, 0xff9b, 1, 0, 48);
const TEREDO: Block = v6(0x2001, 0, 0, 0, 32);
const SIX_TO_FOUR: Block = v6(0x2002, 0, 0, 0, 16);

/// The IPv4 addresses that `address` carries by its well-known form, in all readings.
pub(super) fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bits = address.to_bits();
    let at = |shift: u32| Ipv4Addr::from_bits((bits >> shift) as u32);
    let is_in = |block: Block| block.contains(IpAddr::V6(address));
    let mut found = Vec::new();
    // `::` and `::1` carry nothing.
    if is_in(COMPATIBLE) && bits > 1 || [MAPPED, TRANSLATED, NAT64].into_iter().any(is_in) {
        found.push(at(0));
    }
    if is_in(NAT64_LOCAL) {
        let lengths = NAT64_BITS.into_iter().filter(|length| *length >= 48);
        found.extend(lengths.filter_map(|length| translated(address, length)));
    }
    if is_in(TEREDO) {
        // The server, and the client with all its bits turned.
        found.extend([at(64), Ipv4Addr::from_bits(!at(0).to_bits())]);
    }
    if is_in(SIX_TO_FOUR) {
        found.push(at(80));
    }
    if matches!((bits >> 32) as u32, 0x0000_5efe | 0x0200_5efe) {
        found.push(at(0));
    }
    found
}

/// What a NAT64 translator with this prefix connects to; `None` when bits 64 to 71 or those behind the IPv4
/// address are not zero. Source: RFC 6052, section 2.2.
pub(super) fn translated(address: Ipv6Addr, prefix_bits: u8) -> Option<Ipv4Addr> {
    let octets = address.octets();
    if prefix_bits == 96 {
        return Some(Ipv4Addr::from_bits(address.to_bits() as u32));
    }
    let begin = usize::from(prefix_bits / 8);
    let places: Vec<usize> = (begin..).filter(|index| *index != 8).take(4).collect();
    let end = places.last().map_or(0, |last| last + 1).max(9);
    let is_made = octets[8] == 0 && octets[end..].iter().all(|octet| *octet == 0);
    is_made.then(|| {
        let octet = |number: usize| octets[places[number]];
        Ipv4Addr::new(octet(0), octet(1), octet(2), octet(3))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let expected: Vec<Ipv4Addr> = expected.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(embedded(text.parse().unwrap()), expected, "{text}");
    }

    #[test]
    fn every_form_gives_what_it_carries() {
        check("::", &[]);
        check("::1", &[]);
        check("::2", &["0.0.0.2"]);
        check("::10.0.0.1", &["10.0.0.1"]);
        check("::ffff:169.254.169.254", &["169.254.169.254"]);
        check("::ffff:0:127.0.0.1", &["127.0.0.1"]);
        check("64:ff9b::a9fe:a9fe", &["169.254.169.254"]);
        check("2002:a00:1::1", &["10.0.0.1"]);
        // The client's address stands there with all its bits turned.
        check("2001:0:7f00:1::f5ff:fffe", &["127.0.0.1", "10.0.0.1"]);
        check("2001:0:4136:e378:8000:63bf:3fff:fdd2", &["65.54.227.120", "192.0.2.45"]);
        check("2606:4700::5efe:a00:1", &["10.0.0.1"]);
        check("fe80::200:5efe:7f00:1", &["127.0.0.1"]);
        // A tunnel in a tunnel.
        check("2002:808:808::5efe:a00:1", &["8.8.8.8", "10.0.0.1"]);
        check("2606:4700:4700::1111", &[]);
        check("64:ff9b:2::a00:1", &[]);
    }

    #[test]
    fn a_local_translator_s_prefix_may_have_any_length() {
        check("64:ff9b:1::a00:1", &["10.0.0.1"]);
        check("64:ff9b:1:a00:0:100::", &["10.0.0.1", "0.0.1.0", "0.1.0.0", "0.0.0.0"]);
        check("64:ff9b:1:ab0a::1:0:0", &["10.0.0.1", "0.0.1.0", "0.0.0.0"]);
        check("64:ff9b:1:abcd:a:0:100:0", &["10.0.0.1", "1.0.0.0"]);
    }

    #[test]
    fn each_length_of_a_prefix_has_its_place_for_the_address() {
        // The table of RFC 6052, section 2.4.
        for (bits, text) in [
            (32, "2001:db8:c000:221::"),
            (40, "2001:db8:1c0:2:21::"),
            (48, "2001:db8:122:c000:2:2100::"),
            (56, "2001:db8:122:3c0:0:221::"),
            (64, "2001:db8:122:344:c0:2:2100::"),
            (96, "2001:db8:122:344::192.0.2.33"),
        ] {
            let address: Ipv6Addr = text.parse().unwrap();
            assert_eq!(translated(address, bits), Some(Ipv4Addr::new(192, 0, 2, 33)), "{text}");
            if bits < 96 {
                let trailing = Ipv6Addr::from_bits(address.to_bits() | 1);
                let marked = Ipv6Addr::from_bits(address.to_bits() | 1 << 56);
                assert_eq!((translated(trailing, bits), translated(marked, bits)), (None, None));
            }
        }
    }
}
