//! The client behind trusted proxies: its address, and the scheme and host that it called.
//!
//! `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (RFC 7239) count only from a trusted peer. Each proxy
//! appends the address that it saw: walking from the right over trusted addresses, the first other one is the
//! client's. Where both kinds name different clients, neither counts, since a proxy mostly sets one and passes the
//! other on.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, Request};
use outbound::Ranges;

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const FORWARDED: &str = "forwarded";

/// How the client reached the server, or the first proxy on its way; an extension of each request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Over TLS.
    pub is_secure: bool,
    /// The host that a proxy says was called; else the request's own header counts.
    pub host: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Client {
    /// Port 0 where it is not known.
    address: SocketAddr,
    is_secure: Option<bool>,
    host: Option<String>,
}

/// Puts the client's address (port 0 where unknown) in the place of a trusted proxy's in the extension
/// [`ConnectInfo<SocketAddr>`].
pub fn see_through<B>(proxies: &Ranges, request: &mut Request<B>) {
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied()
    else {
        return;
    };
    if !proxies.contains(peer.ip()) {
        return;
    }
    let Some(client) = client(proxies, peer, request.headers()) else { return };
    let extensions = request.extensions_mut();
    extensions.insert(ConnectInfo(client.address));
    let reached = extensions.get_or_insert_default::<Reached>();
    reached.is_secure = client.is_secure.unwrap_or(reached.is_secure);
    reached.host = client.host;
}

/// The client that the headers name; `None` where they contradict each other.
fn client(proxies: &Ranges, peer: SocketAddr, headers: &HeaderMap) -> Option<Client> {
    let usual = by_usual_headers(proxies, peer, headers);
    if !headers.contains_key(FORWARDED) {
        return Some(usual);
    }
    let standard = by_standard_header(proxies, peer, headers);
    let is_one = !headers.contains_key(FOR) || usual.address.ip() == standard.address.ip();
    is_one.then_some(standard)
}

fn by_usual_headers(proxies: &Ranges, peer: SocketAddr, headers: &HeaderMap) -> Client {
    let hops = from_the_right(headers, FOR).map(node);
    let (address, steps) = walk(proxies, peer, hops);
    // As far from the right end as the client's address; a proxy that replaces the header leaves one entry.
    let beside = |name| from_the_right(headers, name).take(steps.max(1)).last();
    Client {
        address,
        is_secure: beside(PROTO).and_then(is_secure),
        host: beside(HOST).map(str::to_owned),
    }
}

fn by_standard_header(proxies: &Ranges, peer: SocketAddr, headers: &HeaderMap) -> Client {
    let hops = from_the_right(headers, FORWARDED).map(|element| node(parameter(element, "for")?));
    let (address, steps) = walk(proxies, peer, hops);
    let element = from_the_right(headers, FORWARDED).take(steps.max(1)).last().unwrap_or_default();
    Client {
        address,
        is_secure: parameter(element, "proto").and_then(is_secure),
        host: parameter(element, "host").map(str::to_owned),
    }
}

/// Goes from the peer along the hops for as long as trusted proxies name the next one; gives where that ends, and the
/// hops taken. A hop that is hidden or no address ends it too: nobody else knows more.
fn walk(
    proxies: &Ranges,
    peer: SocketAddr,
    mut hops: impl Iterator<Item = Option<SocketAddr>>,
) -> (SocketAddr, usize) {
    let (mut address, mut steps) = (peer, 0);
    while proxies.contains(address.ip())
        && let Some(Some(hop)) = hops.next()
    {
        (address, steps) = (hop, steps + 1);
    }
    (address, steps)
}

/// The entries of all lines of a header, the last one first. A comma in quotes parts them as well, so that a quote
/// that a client leaves open hides nothing that a proxy adds.
fn from_the_right<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).into_iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let texts = entries.map(|entry| str::from_utf8(entry).unwrap_or("?").trim());
    texts.filter(|entry| !entry.is_empty())
}

/// The value of one parameter of an element of `Forwarded`, without its quotes.
fn parameter<'e>(element: &'e str, name: &str) -> Option<&'e str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let found = pairs.map(|(key, value)| (key.trim(), value.trim()));
    let value = found.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    value.map(unquoted).next_back()
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn is_secure(scheme: &str) -> Option<bool> {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    match () {
        () if is("https") || is("wss") => Some(true),
        () if is("http") || is("ws") => Some(false),
        () => None,
    }
}

/// An address as proxies write it: alone or with a port, IPv6 with or without brackets, quoted or not.
fn node(text: &str) -> Option<SocketAddr> {
    let text = unquoted(text);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address.to_canonical(), 0));
    }
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_once(':').map(|(address, _)| (address, &text[address.len()..]))?,
    };
    let is_v6 = text.starts_with('[');
    let address: IpAddr =
        address.parse().ok().filter(|address: &IpAddr| address.is_ipv6() == is_v6)?;
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => 0,
        // A port may be hidden where the address is not.
        Some(port) if port.starts_with('_') => 0,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
        _ => return None,
    };
    Some(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests;
