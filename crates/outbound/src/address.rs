//! Which addresses are public: globally routable, and nobody's inner network.
//!
//! IPv6 is an allow-list, 2000::/3 less its special blocks; IPv4 is everything less them. Addresses
//! that embed an IPv4 address are not public; where a rule allows them, `embedded.rs` says what is
//! checked. Source: IANA's special-purpose address registries (RFC 6890 and updates).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// 0/8 and `::`: this host, or none.
    Unspecified,
    /// The private blocks, unique local and site-local addresses.
    Private,
    /// 100.64/10: between a carrier and its customers.
    CarrierNat,
    /// 127/8 and `::1`.
    Loopback,
    /// 169.254/16 and fe80::/10; the clouds' metadata services live there.
    LinkLocal,
    /// A public address that a cloud answers itself, for its own machines.
    CloudInner,
    /// Blocks of the protocols themselves.
    Protocol,
    /// Relays and endpoints that many networks announce.
    Relay,
    /// Blocks for documentation.
    Documentation,
    /// Blocks for measurements.
    Benchmark,
    /// Multicast.
    Multicast,
    /// An IPv6 address with an IPv4 address inside.
    EmbedsIpv4,
    /// Not assigned for global use, broadcast included.
    Reserved,
}

impl AddressClass {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            AddressClass::Unspecified => "address_unspecified",
            AddressClass::Private => "address_private",
            AddressClass::CarrierNat => "address_carrier_nat",
            AddressClass::Loopback => "address_loopback",
            AddressClass::LinkLocal => "address_link_local",
            AddressClass::CloudInner => "address_cloud_inner",
            AddressClass::Protocol => "address_protocol",
            AddressClass::Relay => "address_relay",
            AddressClass::Documentation => "address_documentation",
            AddressClass::Benchmark => "address_benchmark",
            AddressClass::Multicast => "address_multicast",
            AddressClass::EmbedsIpv4 => "address_embeds_ipv4",
            AddressClass::Reserved => "address_reserved",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    V4 { base: u32, bits: u8 },
    V6 { base: u128, bits: u8 },
}

impl Block {
    pub(super) fn new(address: IpAddr, bits: u8) -> Option<Block> {
        match address {
            IpAddr::V4(v4) if bits <= 32 => Some(Block::V4 { base: v4.to_bits(), bits }),
            IpAddr::V6(v6) if bits <= 128 => Some(Block::V6 { base: v6.to_bits(), bits }),
            _ => None,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Block> {
        let Some((address, bits)) = text.split_once('/') else {
            let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let address: IpAddr = bare.unwrap_or(text).parse().ok()?;
            return Block::new(address, if address.is_ipv4() { 32 } else { 128 });
        };
        // Only plain digits: `u8` alone would take a sign.
        let bits = bits.bytes().all(|byte| byte.is_ascii_digit()).then(|| bits.parse().ok())??;
        Block::new(address.parse().ok()?, bits)
    }

    pub(super) fn bits(self) -> u8 {
        match self {
            Block::V4 { bits, .. } | Block::V6 { bits, .. } => bits,
        }
    }

    /// A block of IPv4 addresses that is written as IPv6, as IPv4.
    fn canonical(self) -> Block {
        match self {
            Block::V6 { base, bits: 96.. } if base >> 32 == 0xffff => {
                Block::V4 { base: base as u32, bits: self.bits() - 96 }
            }
            _ => self,
        }
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Block::V4 { base, bits }, IpAddr::V4(v4)) => {
                let differing = base ^ v4.to_bits();
                differing.checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
            }
            (Block::V6 { base, bits }, IpAddr::V6(v6)) => {
                let differing = base ^ v6.to_bits();
                differing.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Ranges of addresses, as CIDR texts name them: `10.1.0.0/16`, `fd00::/8`, `192.0.2.7`.
#[derive(Debug, Clone, Default)]
pub struct Ranges(Vec<Block>);

/// A text that names no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a range such as 10.1.0.0/16 or fd00::/8, got {0:?}")]
pub struct BadRange(String);

impl Ranges {
    /// The ranges of all texts.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Ranges, BadRange> {
        let parsed = |text: &'a str| {
            Block::parse(text.trim()).map(Block::canonical).ok_or_else(|| BadRange(text.to_owned()))
        };
        texts.into_iter().map(parsed).collect::<Result<_, _>>().map(Ranges)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them holds `address`; an IPv4 address counts the same when it is written as IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.contains(address.to_canonical()))
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Block {
    Block::V4 { base: Ipv4Addr::new(a, b, c, d).to_bits(), bits }
}

/// A block given by the first four groups of its base.
pub(super) const fn v6(a: u16, b: u16, c: u16, d: u16, bits: u8) -> Block {
    Block::V6 { base: Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_bits(), bits }
}

/// The special blocks; the first that holds an address names its class.
const SPECIAL: &[(Block, AddressClass)] = &[
    (v4(0, 0, 0, 0, 8), AddressClass::Unspecified),
    (v4(10, 0, 0, 0, 8), AddressClass::Private),
    (v4(100, 64, 0, 0, 10), AddressClass::CarrierNat),
    (v4(127, 0, 0, 0, 8), AddressClass::Loopback),
    (v4(168, 63, 129, 16, 32), AddressClass::CloudInner),
    (v4(169, 254, 0, 0, 16), AddressClass::LinkLocal),
    (v4(172, 16, 0, 0, 12), AddressClass::Private),
    (v4(192, 0, 0, 0, 24), AddressClass::Protocol),
    (v4(192, 0, 2, 0, 24), AddressClass::Documentation),
    (v4(192, 31, 196, 0, 24), AddressClass::Relay),
    (v4(192, 52, 193, 0, 24), AddressClass::Relay),
    (v4(192, 88, 99, 0, 24), AddressClass::Relay),
    (v4(192, 168, 0, 0, 16), AddressClass::Private),
    (v4(192, 175, 48, 0, 24), AddressClass::Relay),
    (v4(198, 18, 0, 0, 15), AddressClass::Benchmark),
    (v4(198, 51, 100, 0, 24), AddressClass::Documentation),
    (v4(203, 0, 113, 0, 24), AddressClass::Documentation),
    (v4(224, 0, 0, 0, 4), AddressClass::Multicast),
    (v4(240, 0, 0, 0, 4), AddressClass::Reserved),
    (Block::V6 { base: 0, bits: 128 }, AddressClass::Unspecified),
    (Block::V6 { base: 1, bits: 128 }, AddressClass::Loopback),
    // IPv4-compatible ::/96 and IPv4-mapped ::ffff:0:0/96.
    (Block::V6 { base: 0, bits: 96 }, AddressClass::EmbedsIpv4),
    (Block::V6 { base: 0xffff << 32, bits: 96 }, AddressClass::EmbedsIpv4),
    // NAT64, well-known and local.
    (v6(0x64, 0xff9b, 0, 0, 96), AddressClass::EmbedsIpv4),
    (v6(0x64, 0xff9b, 1, 0, 48), AddressClass::EmbedsIpv4),
    // Teredo, then the rest of the protocol assignments around it (benchmarks, ORCHID, …).
    (v6(0x2001, 0, 0, 0, 32), AddressClass::EmbedsIpv4),
    (v6(0x2001, 2, 0, 0, 48), AddressClass::Benchmark),
    (v6(0x2001, 0, 0, 0, 23), AddressClass::Protocol),
    (v6(0x2001, 0xdb8, 0, 0, 32), AddressClass::Documentation),
    // 6to4.
    (v6(0x2002, 0, 0, 0, 16), AddressClass::EmbedsIpv4),
    (v6(0x2620, 0x4f, 0x8000, 0, 48), AddressClass::Relay),
    (v6(0x3fff, 0, 0, 0, 20), AddressClass::Documentation),
    (v6(0xfc00, 0, 0, 0, 7), AddressClass::Private),
    (v6(0xfe80, 0, 0, 0, 10), AddressClass::LinkLocal),
    (v6(0xfec0, 0, 0, 0, 10), AddressClass::Private),
    (v6(0xff00, 0, 0, 0, 8), AddressClass::Multicast),
];

/// All of IPv6 that is given out for global use.
const GLOBAL_V6: Block = v6(0x2000, 0, 0, 0, 3);

/// Whether `address` is globally routable; else the class that refuses it.
pub fn is_public(address: IpAddr) -> Result<(), AddressClass> {
    if let Some((_, class)) = SPECIAL.iter().find(|(block, _)| block.contains(address)) {
        return Err(*class);
    }
    match address {
        IpAddr::V4(_) => Ok(()),
        IpAddr::V6(_) if GLOBAL_V6.contains(address) => Ok(()),
        IpAddr::V6(_) => Err(AddressClass::Reserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), AddressClass>) {
        assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
    }

    #[test]
    fn public_addresses_pass() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2400:3200::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe::1",
            "3fff:1000::1",
        ] {
            check(text, Ok(()));
        }
    }

    #[test]
    fn every_special_block_of_ipv4_is_refused_to_its_ends() {
        use AddressClass::*;
        for (first, last, class) in [
            ("0.0.0.0", "0.255.255.255", Unspecified),
            ("10.0.0.0", "10.255.255.255", Private),
            ("100.64.0.0", "100.127.255.255", CarrierNat),
            ("100.100.100.200", "100.100.100.200", CarrierNat),
            ("127.0.0.0", "127.255.255.255", Loopback),
            ("168.63.129.16", "168.63.129.16", CloudInner),
            ("169.254.0.0", "169.254.255.255", LinkLocal),
            ("169.254.169.254", "169.254.170.2", LinkLocal),
            ("172.16.0.0", "172.31.255.255", Private),
            ("192.0.0.0", "192.0.0.255", Protocol),
            ("192.0.0.192", "192.0.0.192", Protocol),
            ("192.0.2.0", "192.0.2.255", Documentation),
            ("192.31.196.0", "192.31.196.255", Relay),
            ("192.52.193.0", "192.52.193.255", Relay),
            ("192.88.99.0", "192.88.99.255", Relay),
            ("192.168.0.0", "192.168.255.255", Private),
            ("192.175.48.0", "192.175.48.255", Relay),
            ("198.18.0.0", "198.19.255.255", Benchmark),
            ("198.51.100.0", "198.51.100.255", Documentation),
            ("203.0.113.0", "203.0.113.255", Documentation),
            ("224.0.0.0", "239.255.255.255", Multicast),
            ("240.0.0.0", "255.255.255.255", Reserved),
        ] {
            check(first, Err(class));
            check(last, Err(class));
        }
    }

    #[test]
    fn every_special_block_of_ipv6_is_refused_to_its_ends() {
        use AddressClass::*;
        for (first, last, class) in [
            ("::", "::", Unspecified),
            ("::1", "::1", Loopback),
            ("::2", "::ffff:ffff", EmbedsIpv4),
            ("::127.0.0.1", "::8.8.8.8", EmbedsIpv4),
            ("::ffff:0.0.0.0", "::ffff:255.255.255.255", EmbedsIpv4),
            ("::ffff:127.0.0.1", "::ffff:8.8.8.8", EmbedsIpv4),
            ("::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", Reserved),
            ("64:ff9b::", "64:ff9b::ffff:ffff", EmbedsIpv4),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", EmbedsIpv4),
            ("100::", "100::ffff:ffff:ffff:ffff", Reserved),
            ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", EmbedsIpv4),
            ("2001:1::1", "2001:1:ffff::", Protocol),
            ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", Benchmark),
            ("2001:10::", "2001:1f:ffff::", Protocol),
            ("2001:20::", "2001:2f:ffff::", Protocol),
            ("2001:30::", "2001:1ff:ffff::", Protocol),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", EmbedsIpv4),
            ("2002:7f00:1::", "2002:808:808::", EmbedsIpv4),
            ("2620:4f:8000::", "2620:4f:8000:ffff::", Relay),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
            ("4000::", "5fff::", Reserved),
            ("5f00::", "5f00:ffff::", Reserved),
            ("1fff:ffff::", "200::", Reserved),
            ("fc00::", "fdff:ffff::", Private),
            ("fd00:ec2::254", "fd00::1", Private),
            ("fe80::", "febf:ffff::", LinkLocal),
            ("fec0::", "feff:ffff::", Private),
            ("fe00::", "fe7f:ffff::", Reserved),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Multicast),
        ] {
            check(first, Err(class));
            check(last, Err(class));
        }
    }

    #[test]
    fn ranges_are_addresses_and_cidr_texts_and_nothing_else() {
        let texts = ["10.1.0.0/16", " fd00::/8", "192.0.2.7", "[::1]", "::ffff:198.51.100.0/120"];
        let ranges = Ranges::from_texts(texts).unwrap();
        for text in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "192.0.2.7", "::1", "198.51.100.9"] {
            assert!(ranges.contains(text.parse().unwrap()), "{text}");
        }
        for text in ["10.2.0.0", "fc00::1", "192.0.2.8", "::2", "198.51.101.9"] {
            assert!(!ranges.contains(text.parse().unwrap()), "{text}");
        }
        for text in ["", "localhost", ":80", "10.0.0.0/33", "10.0.0.0/+8", "nat64:64:ff9b::/96"] {
            assert!(Ranges::from_texts([text]).is_err(), "{text:?}");
        }
    }

    #[test]
    fn blocks_hold_their_own_family_only() {
        let all_v4 = Block::new("0.0.0.0".parse().unwrap(), 0).unwrap();
        assert!(all_v4.contains("255.1.2.3".parse().unwrap()));
        assert!(!all_v4.contains("::1".parse().unwrap()));
        let all_v6 = Block::new("::".parse().unwrap(), 0).unwrap();
        assert!(all_v6.contains("ff00::1".parse().unwrap()));
        assert!(Block::new("1.2.3.4".parse().unwrap(), 33).is_none());
        assert!(Block::new("::".parse().unwrap(), 129).is_none());
    }
}
