//! The server's address as callers know it: what it hands out begins with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use crate::config::Config;

/// A public URL that addresses cannot be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the public URL as an absolute http or https URL without user name, query and fragment, got {0:?}"
)]
pub struct BadPublicUrl(String);

/// Checks the public URL that is set, if one is.
pub(crate) fn check(config: &Config) -> Result<(), BadPublicUrl> {
    match &config.public_url {
        Some(text) if parse(text).is_none() => Err(BadPublicUrl(text.clone())),
        _ => Ok(()),
    }
}

fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (is_plain && url.has_host() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

/// What the addresses that are handed out begin with: the public URL, else where the server listens.
pub(crate) fn base(config: &Config, own: Option<SocketAddr>) -> String {
    if let Some(url) = config.public_url.as_deref().and_then(parse) {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let mut address = own.unwrap_or(config.listen);
    match address {
        // Nobody can call the address that stands for all of them.
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            address.set_ip(Ipv6Addr::LOCALHOST.into());
        }
        _ => {}
    }
    format!("{}://{address}", if config.tls.is_some() { "https" } else { "http" })
}

/// Whether callers speak TLS: with the server itself, or with what stands before it under the public URL.
pub(crate) fn is_secure(config: &Config) -> bool {
    base(config, None).starts_with("https://")
}

/// Whether a caller named the machine itself in the header `Host`: loopback, which nobody listens in on.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_local(&url))
}

/// The host of the public URL, in lower case, without a dot at its end.
pub(crate) fn host(config: &Config) -> Option<String> {
    let host = parse(config.public_url.as_deref()?)?.host_str()?.to_lowercase();
    Some(host.strip_suffix('.').unwrap_or(&host).to_owned())
}

/// Warnings at the start: why the server's addresses can hardly be right; `own` is none for workers alone.
pub(crate) fn doubts(config: &Config, own: Option<SocketAddr>) -> Vec<String> {
    let base = base(config, own);
    let mut doubts = Vec::new();
    match config.public_url.as_deref().and_then(parse) {
        None => doubts.extend(doubt_without_url(config, own, &base)),
        Some(url) => {
            let is_elsewhere = own.is_none_or(|own| !own.ip().to_canonical().is_loopback());
            if is_elsewhere && is_local(&url) {
                doubts.push(format!(
                    "the public URL {base} leads back to whoever calls it, but the server is not for this machine \
                     alone: set --public-url to the address that others know"
                ));
            }
            if own.is_some() && config.tls.is_some() && url.scheme() == "http" {
                doubts.push(format!(
                    "the public URL {base} begins with http, but the server speaks TLS: set --public-url to https"
                ));
            }
            let is_behind = config.tls.is_none() && url.scheme() == "https";
            if own.is_some() && is_behind && config.trusted_proxies.is_empty() {
                doubts.push(
                    "the public URL begins with https, and TLS ends before the server: name the proxy with \
                     --trusted-proxy, else address lists and the ledger of views see its address as everybody's"
                        .to_owned(),
                );
            }
        }
    }
    doubts
}

fn doubt_without_url(config: &Config, own: Option<SocketAddr>, base: &str) -> Option<String> {
    let why = match own {
        None => "workers alone do not know where the servers are",
        Some(own) if own.ip().is_unspecified() => "the server listens on all addresses",
        Some(own) if !own.ip().to_canonical().is_loopback() => {
            "the server may be known by another address"
        }
        Some(_) if !config.trusted_proxies.is_empty() => "callers come by a proxy",
        Some(_) => return None,
    };
    Some(format!("addresses that are handed out begin with {base}, but {why}: set --public-url"))
}

/// Whether the URL leads to whichever machine calls it.
fn is_local(url: &Url) -> bool {
    let is_local = |address: IpAddr| {
        let address = address.to_canonical();
        address.is_loopback() || address.is_unspecified()
    };
    match url.host() {
        Some(Host::Ipv4(v4)) => is_local(v4.into()),
        Some(Host::Ipv6(v6)) => is_local(v6.into()),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tls::TlsFiles;

    /// How many doubts there are about a server that listens at `own`.
    fn count(own: Option<&str>, url: Option<&str>, has_tls: bool, proxies: &[&str]) -> usize {
        let config = Config {
            public_url: url.map(str::to_owned),
            tls: has_tls.then(|| TlsFiles { certificate: "c".into(), key: "k".into() }),
            trusted_proxies: proxies.iter().map(|&text| text.to_owned()).collect(),
            ..Config::default()
        };
        let doubts = doubts(&config, own.map(|own| own.parse().unwrap()));
        assert!(doubts.iter().all(|doubt| doubt.contains("--")), "{doubts:?}");
        doubts.len()
    }

    #[test]
    fn what_cannot_be_right_is_doubted() {
        let (near, all, far) =
            (Some("127.0.0.1:8090"), Some("0.0.0.0:8090"), Some("10.0.0.5:8090"));
        let hub = Some("https://hub.example");
        // Without a public URL.
        assert_eq!(count(near, None, false, &[]), 0);
        assert_eq!(count(near, None, true, &[]), 0);
        assert_eq!(count(Some("[::1]:8090"), None, false, &[]), 0);
        assert_eq!(count(near, None, false, &["127.0.0.1"]), 1);
        for own in [all, far, Some("[::]:8090"), None] {
            assert_eq!(count(own, None, false, &[]), 1, "{own:?}");
        }
        // With one.
        assert_eq!(count(all, hub, true, &[]), 0);
        assert_eq!(count(near, hub, false, &["127.0.0.1"]), 0);
        assert_eq!(count(all, Some("http://hub.example"), false, &[]), 0);
        assert_eq!(count(None, hub, false, &[]), 0);
        assert_eq!(count(all, hub, false, &[]), 1);
        assert_eq!(count(all, Some("http://hub.example"), true, &[]), 1);
        for url in ["http://localhost:8090", "http://127.0.0.1", "http://[::1]/", "http://0.0.0.0"]
        {
            assert_eq!(count(all, Some(url), false, &[]), 1, "{url}");
            assert_eq!(count(near, Some(url), false, &[]), 0, "{url}");
        }
        assert_eq!(count(all, Some("http://localhost"), true, &[]), 2);
    }

    #[test]
    fn a_public_url_is_one_that_addresses_can_be_made_of() {
        let with = |text: &str| Config { public_url: Some(text.to_owned()), ..Config::default() };
        for (text, expected) in [
            ("https://hub.example", "https://hub.example"),
            ("HTTPS://Hub.example:443/", "https://hub.example"),
            ("http://hub.example:8080/below/", "http://hub.example:8080/below"),
        ] {
            assert_eq!(check(&with(text)), Ok(()));
            assert_eq!(base(&with(text), None), expected);
        }
        for text in
            ["", "hub.example", "hub.example:8090", "ftp://hub.example", "https://u@hub.example"]
        {
            assert!(check(&with(text)).is_err(), "{text:?}");
        }
        for text in ["https://hub.example/?a", "https://hub.example/#a", "https://", "/content"] {
            assert!(check(&with(text)).is_err(), "{text:?}");
        }
    }
}
