//! Checking a report's address by its text, strictly: no two readings. Source: product, section 4, item 1.

/// Most characters of an address.
pub const CHARS_MAX: usize = 2_048;
/// Longer texts are refused for their length; their form is not looked at.
pub(crate) const BYTES_CHECKED_MAX: usize = CHARS_MAX * 4;

/// Why a text is no usable address; what was expected, without the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportUrlError {
    /// Control characters or blanks.
    #[error("expected a url without control characters and blanks")]
    Character,
    /// Not `http://` or `https://`.
    #[error("expected an absolute http or https url")]
    Scheme,
    /// A name or password before the host.
    #[error("expected a url without user-info")]
    UserInfo,
    /// No host, or one with characters that no host has.
    #[error("expected a url with a host")]
    Host,
    /// A port that is no number from 1 to 65535.
    #[error("expected a url with a port from 1 to 65535 or none")]
    Port,
}

/// Checks that an address is absolute, `http` or `https`, with a host and no user-info, controls or blanks.
pub fn validate(url: &str) -> Result<(), ReportUrlError> {
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ReportUrlError::Character);
    }
    let (scheme, rest) = url.split_once("://").ok_or(ReportUrlError::Scheme)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(ReportUrlError::Scheme);
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    // Some readers take a backslash for a slash, others for a part of the host or user-info.
    if authority.contains('\\') {
        return Err(ReportUrlError::Host);
    }
    if authority.contains('@') {
        return Err(ReportUrlError::UserInfo);
    }
    let (host, port) = split_port(authority)?;
    validate_host(host)?;
    match port {
        None | Some("") => Ok(()),
        Some(port) => validate_port(port),
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), ReportUrlError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(ReportUrlError::Host)? + 1;
        let (host, rest) = authority.split_at(end);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(ReportUrlError::Host),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn validate_host(host: &str) -> Result<(), ReportUrlError> {
    let is_fit = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            // Percent signs would hide another host; the others occur in no host.
            let error = ['%', '<', '>', '^', '`', '|', '{', '}', '[', ']', '"', '\''];
            host.chars().any(|c| c != '.') && !host.contains(error)
        }
    };
    if is_fit { Ok(()) } else { Err(ReportUrlError::Host) }
}

fn validate_port(port: &str) -> Result<(), ReportUrlError> {
    let digits_only = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits_only => Ok(()),
        _ => Err(ReportUrlError::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_taken() {
        for url in [
            "https://vendor.example/reports/1.pdf",
            "http://vendor.example",
            "HTTPS://Vendor.Example:8443/a?b=c#d",
            "https://vendor.example:/a",
            "http://192.0.2.1:80/",
            "http://[2001:db8::1]:8080/a",
            "http://[::1]",
            "https://例子.example/报告.pdf",
            "https://vendor.example/a@b",
            "https://vendor.example?x=a@b://c",
            "https://vendor.example/%E6%8A%A5.pdf",
            "https://vendor_1.example/a",
        ] {
            assert_eq!(validate(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_was_expected() {
        for (url, error) in [
            ("", ReportUrlError::Scheme),
            ("a", ReportUrlError::Scheme),
            ("/reports/1.pdf", ReportUrlError::Scheme),
            ("//vendor.example/1.pdf", ReportUrlError::Scheme),
            ("vendor.example/1.pdf", ReportUrlError::Scheme),
            ("https:/vendor.example", ReportUrlError::Scheme),
            ("https:vendor.example", ReportUrlError::Scheme),
            ("ftp://vendor.example/1.pdf", ReportUrlError::Scheme),
            ("file:///etc/passwd", ReportUrlError::Scheme),
            ("javascript://vendor.example/%0aalert(1)", ReportUrlError::Scheme),
            ("data:application/pdf;base64,AAAA", ReportUrlError::Scheme),
            ("://vendor.example", ReportUrlError::Scheme),
            ("https", ReportUrlError::Scheme),
            ("https://", ReportUrlError::Host),
            ("https:///1.pdf", ReportUrlError::Host),
            ("https://?a", ReportUrlError::Host),
            ("https://#a", ReportUrlError::Host),
            ("https://:443/", ReportUrlError::Host),
            ("https://./", ReportUrlError::Host),
            ("https://a\\@b/", ReportUrlError::Host),
            ("https://a\\b/", ReportUrlError::Host),
            ("https://127%2e0.0.1/", ReportUrlError::Host),
            ("https://a<b/", ReportUrlError::Host),
            ("http://[::1", ReportUrlError::Host),
            ("http://[::1]a", ReportUrlError::Host),
            ("http://[fe80::1%25eth0]/", ReportUrlError::Host),
            ("http://[]/", ReportUrlError::Host),
            ("http://::1/", ReportUrlError::Host),
            ("https://user@vendor.example/", ReportUrlError::UserInfo),
            ("https://user:pass@vendor.example/", ReportUrlError::UserInfo),
            ("https://@vendor.example/", ReportUrlError::UserInfo),
            ("https://vendor.example:0/", ReportUrlError::Port),
            ("https://vendor.example:65536/", ReportUrlError::Port),
            ("https://vendor.example:+1/", ReportUrlError::Port),
            ("https://vendor.example:a/", ReportUrlError::Port),
            ("https://a:1:2/", ReportUrlError::Port),
            ("https://vendor.example/a b", ReportUrlError::Character),
            (" https://vendor.example/", ReportUrlError::Character),
            ("https://vendor.example/\n", ReportUrlError::Character),
            ("https://vendor.example/\u{0}", ReportUrlError::Character),
            ("https://vendor.example/\u{7f}", ReportUrlError::Character),
            ("https://vendor.example/\u{3000}", ReportUrlError::Character),
        ] {
            assert_eq!(validate(url), Err(error), "{url}");
        }
    }
}
