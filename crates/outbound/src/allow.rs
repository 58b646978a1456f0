//! What the operator allows beyond public addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use super::address::{AddressClass, Block};
use super::embedded::{NAT64_BITS, embedded, translated};

/// A rule that names neither addresses nor a host nor a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address, a range such as 10.1.0.0/16, a host name, a port such as :9000, or a NAT64 prefix such as \
     nat64:64:ff9b::/96, got {0:?}"
)]
pub struct BadRule(String);

/// The operator's exceptions, none by default: ranges of addresses and host names for any port,
/// ports of public hosts beside 80, 443 and 8443, and prefixes of NAT64 translators. An address
/// that embeds an IPv4 address needs a rule for itself, and the embedded one public or allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    blocks: Vec<Block>,
    hosts: Vec<String>,
    ports: Vec<u16>,
    translators: Vec<Block>,
}

impl Allow {
    /// Nothing beyond public addresses.
    #[must_use]
    pub fn none() -> Allow {
        Allow::default()
    }

    /// This machine, as demo and sandbox allow it: 127/8, `::1` and `localhost`.
    #[must_use]
    pub fn loopback() -> Allow {
        let mut allow = Allow::none();
        for rule in ["127.0.0.0/8", "::1", "localhost"] {
            allow.add(rule).expect("the rules for loopback are well formed");
        }
        allow
    }

    /// The exceptions of all `rules`; see [`Allow::add`].
    pub fn from_rules<'a>(rules: impl IntoIterator<Item = &'a str>) -> Result<Allow, BadRule> {
        let mut allow = Allow::none();
        for rule in rules {
            allow.add(rule)?;
        }
        Ok(allow)
    }

    /// Adds one rule: an address, a range (`10.1.0.0/16`, `fd00::/8`), a host name without wildcard
    /// and port, a port (`:9000`), or the prefix of a NAT64 translator (`nat64:64:ff9b::/96`).
    pub fn add(&mut self, rule: &str) -> Result<(), BadRule> {
        match parse(rule.trim()) {
            Some(Rule::Block(block)) => self.blocks.push(block),
            Some(Rule::Host(name)) => self.hosts.push(name),
            Some(Rule::Port(port)) => self.ports.push(port),
            Some(Rule::Translator(block)) => self.translators.push(block),
            None => return Err(BadRule(rule.to_owned())),
        }
        Ok(())
    }

    /// Whether an address lies in an allowed range.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        self.blocks.iter().any(|block| block.contains(address))
    }

    /// Whether an address lies in the prefix of a translator, so that what it embeds decides alone.
    pub(super) fn translates(&self, address: IpAddr) -> bool {
        self.translators.iter().any(|block| block.contains(address))
    }

    /// The IPv4 addresses that `address` carries: as its translator reads it, else by its form.
    pub(super) fn embedded(&self, address: IpAddr) -> Result<Vec<Ipv4Addr>, AddressClass> {
        let IpAddr::V6(v6) = address else { return Ok(Vec::new()) };
        let translators = self.translators.iter().filter(|block| block.contains(address));
        match translators.map(|block| block.bits()).max() {
            Some(bits) => Ok(vec![translated(v6, bits).ok_or(AddressClass::EmbedsIpv4)?]),
            None => Ok(embedded(v6)),
        }
    }

    /// Whether a host name is allowed by name; a dot at the end makes no difference.
    #[must_use]
    pub fn allows_name(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }

    pub(super) fn allows_port(&self, port: u16) -> bool {
        matches!(port, 80 | 443 | 8443) || self.ports.contains(&port)
    }

    /// Whether any range is allowed, so that a name may turn out to be allowed by its addresses.
    pub(super) fn has_ranges(&self) -> bool {
        !self.blocks.is_empty()
    }

    pub(super) fn allows_loopback(&self) -> bool {
        self.allows_address(IpAddr::V4(Ipv4Addr::LOCALHOST))
            || self.allows_address(IpAddr::V6(Ipv6Addr::LOCALHOST))
    }
}

enum Rule {
    Block(Block),
    Host(String),
    Port(u16),
    Translator(Block),
}

fn parse(rule: &str) -> Option<Rule> {
    if let Some(prefix) = rule.strip_prefix("nat64:") {
        let block = Block::parse(prefix)?;
        let is_prefix = matches!(block, Block::V6 { bits, .. } if NAT64_BITS.contains(&bits));
        return is_prefix.then_some(Rule::Translator(block));
    }
    if let Some(port) = rule.strip_prefix(':')
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        return port.parse().ok().filter(|port| *port > 0).map(Rule::Port);
    }
    if let Some(block) = Block::parse(rule) {
        return Some(Rule::Block(block));
    }
    match Host::parse(rule).ok()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            (!name.is_empty() && !name.contains('*')).then(|| Rule::Host(name.to_owned()))
        }
        // An address in one of the other spellings that URLs know.
        Host::Ipv4(v4) => Block::new(v4.into(), 32).map(Rule::Block),
        Host::Ipv6(v6) => Block::new(v6.into(), 128).map(Rule::Block),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_addresses_and_names_are_allowed_as_written() {
        let allow =
            Allow::from_rules(["10.1.0.0/16", "fd00::/8", "192.0.2.7", "[::1]", "Hook.Example."])
                .unwrap();
        for text in ["10.1.0.0", "10.1.255.255", "fd12::1", "192.0.2.7", "::1"] {
            assert!(allow.allows_address(text.parse().unwrap()), "{text}");
        }
        for text in ["10.2.0.0", "fc00::1", "192.0.2.8", "127.0.0.1", "::ffff:10.1.0.1"] {
            assert!(!allow.allows_address(text.parse().unwrap()), "{text}");
        }
        assert!(allow.allows_name("hook.example") && allow.allows_name("HOOK.example."));
        assert!(!allow.allows_name("other.hook.example") && !allow.allows_name("example"));
    }

    #[test]
    fn a_port_is_allowed_on_public_hosts_alone() {
        let allow = Allow::from_rules([":9000", "10.1.0.0/16"]).unwrap();
        assert!([80, 443, 8443, 9000].into_iter().all(|port| allow.allows_port(port)));
        assert!(!allow.allows_port(9001) && !Allow::none().allows_port(9000));
        assert!(!allow.allows_address("127.0.0.1".parse().unwrap()));
        for rule in [":", ":0", ":65536", ":+80", ":x", "::80/x", ":80:90"] {
            assert!(Allow::none().add(rule).is_err(), "{rule:?}");
        }
    }

    #[test]
    fn rules_that_name_nothing_are_refused() {
        for rule in ["", " ", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "host/8"] {
            assert!(Allow::none().add(rule).is_err(), "{rule:?}");
        }
        for rule in ["*.example.com", "a b", "http://x.example", "x.example:80", "."] {
            assert!(Allow::none().add(rule).is_err(), "{rule:?}");
        }
        for rule in ["nat64:", "nat64:64:ff9b::", "nat64:64:ff9b::/95", "nat64:10.0.0.0/32"] {
            assert!(Allow::none().add(rule).is_err(), "{rule:?}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_else() {
        let allow = Allow::loopback();
        assert!(allow.allows_address("127.3.2.1".parse().unwrap()));
        assert!(allow.allows_address("::1".parse().unwrap()));
        assert!(allow.allows_name("localhost") && allow.allows_loopback());
        assert!(!allow.allows_address("10.0.0.1".parse().unwrap()));
        assert!(!Allow::none().allows_loopback());
    }
}
