//! Checking an address that someone else gave, first by its text, then by what it resolves to.
//!
//! The text is normalised by the `url` crate, which also names the host to connect to: one reading
//! only.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use http::uri::PathAndQuery;
use url::{Host, ParseError, Url};

use super::address::{AddressClass, is_public};
use super::allow::Allow;

/// The longest address taken, in characters.
pub const URL_CHARS_MAX: usize = 2_048;
/// The most addresses that one name may have.
pub(super) const ADDRESSES_MAX: usize = 32;

/// Why the guard refuses a request. All have one text, so that it reveals nothing of the network;
/// the operator's log gets [`Refusal::class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not allowed: expected a public http or https URL")]
pub enum Refusal {
    /// Longer than [`URL_CHARS_MAX`].
    TooLong,
    /// Not an absolute URL, or with characters that none has.
    Malformed,
    /// Neither `http` nor `https`.
    Scheme,
    /// A user name or a password before the host.
    UserInfo,
    /// Neither 80, 443, 8443 nor a port that a rule allows.
    Port,
    /// A name that can only mean something inside: `localhost`, a single label.
    InnerName,
    /// An address that is not public.
    Address(AddressClass),
    /// An address or a name of this very server.
    Own,
    /// A name without an address.
    NoAddress,
    /// A name with more than 32 addresses.
    ManyAddresses,
    /// A redirect from `https` to `http`.
    Downgrade,
}

impl Refusal {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Refusal::TooLong => "url_too_long",
            Refusal::Malformed => "url_malformed",
            Refusal::Scheme => "url_scheme",
            Refusal::UserInfo => "url_user_info",
            Refusal::Port => "url_port",
            Refusal::InnerName => "name_inner",
            Refusal::Address(class) => class.class(),
            Refusal::Own => "own_address",
            Refusal::NoAddress => "name_without_address",
            Refusal::ManyAddresses => "name_with_many_addresses",
            Refusal::Downgrade => "redirect_downgrade",
        }
    }
}

/// Checks a URL by its text: absolute `http` or `https`, no user-info, at most 2,048 characters, a
/// public host on port 80, 443 or 8443, or what `allow` names. Returns it normalised.
pub fn check_url(text: &str, allow: &Allow) -> Result<Url, Refusal> {
    if text.chars().count() > URL_CHARS_MAX {
        return Err(Refusal::TooLong);
    }
    let Some((scheme, rest)) = text.split_once(':') else { return Err(Refusal::Malformed) };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Refusal::Scheme);
    }
    // The parser repairs all of these in silence; nobody who means well writes them.
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let Some(rest) = rest.strip_prefix("//") else { return Err(Refusal::Malformed) };
    if text.contains(is_odd) || rest.starts_with('/') {
        return Err(Refusal::Malformed);
    }
    if authority(rest).contains('@') {
        return Err(Refusal::UserInfo);
    }
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::InvalidPort => Refusal::Port,
        _ => Refusal::Malformed,
    })?;
    let port = url.port_or_known_default().unwrap_or(0);
    match url.host() {
        None => return Err(Refusal::Malformed),
        Some(Host::Ipv4(v4)) => check_address(IpAddr::V4(v4), port, allow)?,
        Some(Host::Ipv6(v6)) => check_address(IpAddr::V6(v6), port, allow)?,
        Some(Host::Domain(name)) => check_name(name, port, allow)?,
    }
    Ok(url)
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn check_name(name: &str, port: u16, allow: &Allow) -> Result<(), Refusal> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.ends_with('.') {
        return Err(Refusal::Malformed);
    }
    if port == 0 {
        return Err(Refusal::Port);
    }
    if allow.allows_name(name) {
        return Ok(());
    }
    let is_localhost = name == "localhost" || name.ends_with(".localhost");
    if is_localhost && !allow.allows_loopback() || !is_localhost && !name.contains('.') {
        return Err(Refusal::InnerName);
    }
    // With allowed ranges the name's addresses decide; they are checked before connecting.
    if allow.allows_port(port) || allow.has_ranges() { Ok(()) } else { Err(Refusal::Port) }
}

fn check_address(address: IpAddr, port: u16, allow: &Allow) -> Result<(), Refusal> {
    if port == 0 {
        return Err(Refusal::Port);
    }
    let is_allowed = allow.allows_address(address) || allow.translates(address);
    if !is_allowed {
        is_public(address).map_err(Refusal::Address)?;
    }
    // Whatever allows the outer address: what it is turned into on its way is checked for itself.
    for embedded in allow.embedded(address).map_err(Refusal::Address)? {
        check_address(IpAddr::V4(embedded), port, allow)?;
    }
    if is_allowed || allow.allows_port(port) { Ok(()) } else { Err(Refusal::Port) }
}

/// What the guard goes by: the operator's exceptions, and what is this server itself.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// The operator's exceptions.
    pub allow: Allow,
    /// The addresses this server listens on; an unspecified one stands for all of the machine's.
    /// Refused unless a rule allows them.
    pub own: Vec<SocketAddr>,
    /// The host names under which this server is known, lower case. Refused unless allowed.
    pub own_names: Vec<String>,
}

impl Guard {
    /// Checks a URL by its text, see [`check_url`], and refuses this server's own names.
    pub fn check(&self, text: &str) -> Result<Url, Refusal> {
        let url = check_url(text, &self.allow)?;
        let is_own = match url.host() {
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                self.is_own_name(name) && !self.allow.allows_name(name)
            }
            // A server may be known by its address alone.
            Some(Host::Ipv4(v4)) => self.is_known_by(v4.into()),
            Some(Host::Ipv6(v6)) => self.with_embedded(v6.into()).any(|it| self.is_known_by(it)),
            None => return Err(Refusal::Malformed),
        };
        if is_own { Err(Refusal::Own) } else { Ok(url) }
    }

    fn is_own_name(&self, name: &str) -> bool {
        self.own_names.iter().any(|own| own == name)
    }

    fn is_known_by(&self, address: IpAddr) -> bool {
        let name = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        self.is_own_name(&name) && !self.allow.allows_address(address)
    }

    /// An address, and those that it embeds.
    fn with_embedded(&self, address: IpAddr) -> impl Iterator<Item = IpAddr> {
        let embedded = self.allow.embedded(address).unwrap_or_default();
        std::iter::once(address).chain(embedded.into_iter().map(IpAddr::V4))
    }

    /// Checks all addresses that a host has. One that is refused refuses the host.
    pub(super) fn check_all(
        &self,
        host: &Host<String>,
        addresses: &[SocketAddr],
    ) -> Result<(), Refusal> {
        match addresses.len() {
            0 => return Err(Refusal::NoAddress),
            1..=ADDRESSES_MAX => {}
            _ => return Err(Refusal::ManyAddresses),
        }
        if matches!(host, Host::Domain(name) if self.allow.allows_name(name)) {
            return Ok(());
        }
        for address in addresses {
            check_address(address.ip(), address.port(), &self.allow)?;
            let is_own = |ip| {
                self.is_own(SocketAddr::new(ip, address.port())) && !self.allow.allows_address(ip)
            };
            if self.with_embedded(address.ip()).any(is_own) {
                return Err(Refusal::Own);
            }
        }
        Ok(())
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        self.own.iter().filter(|own| own.port() == address.port()).any(|own| {
            own.ip() == address.ip()
                || own.ip().is_unspecified() && is_of_this_machine(address.ip())
        })
    }
}

/// Whether a socket can be bound to `address`, which only the machine's own ones allow.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// The request target of a checked URL: path and query as they were written (receivers compare the
/// whole target, contract §5.2), or as the parser encodes them when they cannot be sent so.
pub(super) fn request_target(text: &str, url: &Url) -> PathAndQuery {
    let written = text.split_once("//").map_or("", |(_, rest)| &rest[authority(rest).len()..]);
    let written = written.split('#').next().unwrap_or(written);
    let written = match written.as_bytes().first() {
        None => "/".to_owned(),
        Some(b'/') => written.to_owned(),
        Some(_) => format!("/{written}"),
    };
    if written.is_ascii()
        && let Ok(target) = PathAndQuery::try_from(written)
    {
        return target;
    }
    let encoded = &url[url::Position::BeforePath..url::Position::AfterQuery];
    PathAndQuery::try_from(encoded).unwrap_or_else(|_| PathAndQuery::from_static("/"))
}

#[cfg(test)]
mod tests;
