//! Signed links: one report, or another file, for whoever holds the address, until it expires.
//!
//! A link is `<public address>/content/` and 84 characters of base64url: what it gives (1 byte), tenant (8),
//! order (8), object (8), the app that was given it (8) and what that goes back to ([`Numbers`], 8), expiry in Unix
//! seconds (4), and a MAC over these (18 bytes of HMAC-SHA256) under the installation's link key. Nothing is stored: whatever was altered does not verify, and nothing else is asked
//! before the MAC is right. An address says nothing about a person. Source: contract, section 4.3 and question 37.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{AppId, Id, TenantId, UnixMs};
use store::Key;

use crate::app_access::{Holder, Numbers};

/// How long a link is good for, in seconds.
pub const LIFE_S: i64 = 3_600;
/// The path under which links are answered, before the signed part.
pub const PATH: &str = "/content";
const CLAIMS_BYTES: usize = 45;
const MAC_BYTES: usize = 18;
const LINK_BYTES: usize = CLAIMS_BYTES + MAC_BYTES;

/// What kind of thing a link gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// A report of an order; the object is the report's id.
    Report = 1,
    /// A file that a hirer gave with an order; the object is the file's id.
    File = 2,
}

impl LinkKind {
    const ALL: &'static [LinkKind] = &[LinkKind::Report, LinkKind::File];
}

/// What a link gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    /// The kind of thing.
    pub kind: LinkKind,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The order that it belongs to.
    pub order_id: Id,
    /// The thing itself.
    pub object_id: Id,
    /// Who was given it.
    pub holder: Holder,
}

/// Why a link is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// This installation did not make it so.
    Altered,
    /// Its hour is over.
    Expired,
}

/// Makes and reads the installation's links.
pub struct Links {
    key: hmac::Key,
    base: String,
}

impl Links {
    /// The links under the installation's link key; `base` is the server's address as callers know it.
    #[must_use]
    pub fn new(key: &Key, base: &str) -> Links {
        Links { key: key.authenticator(), base: base.trim_end_matches('/').to_owned() }
    }

    /// The address of a page of this server, absolute; `path` begins with a slash.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address that gives `linked` for one hour from `now`, absolute.
    #[must_use]
    pub fn make(&self, linked: &Linked, now: UnixMs) -> String {
        let expires_at_s = u32::try_from(now.seconds() + LIFE_S).unwrap_or(u32::MAX);
        let mut bytes = [0; LINK_BYTES];
        bytes[0] = linked.kind as u8;
        bytes[1..9].copy_from_slice(&linked.tenant_id.0.to_be_bytes());
        bytes[9..17].copy_from_slice(&linked.order_id.0.to_be_bytes());
        bytes[17..25].copy_from_slice(&linked.object_id.0.to_be_bytes());
        bytes[25..33].copy_from_slice(&linked.holder.app_id.0.to_be_bytes());
        bytes[33..41].copy_from_slice(&linked.holder.numbers.to_bytes());
        bytes[41..CLAIMS_BYTES].copy_from_slice(&expires_at_s.to_be_bytes());
        let mac = hmac::sign(&self.key, &bytes[..CLAIMS_BYTES]);
        bytes[CLAIMS_BYTES..].copy_from_slice(&mac.as_ref()[..MAC_BYTES]);
        format!("{}{PATH}/{}", self.base, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What the signed part of an address gives at `now`.
    ///
    /// # Errors
    /// [`LinkError`], why it gives nothing.
    pub fn read(&self, signed: &str, now: UnixMs) -> Result<Linked, LinkError> {
        let mut bytes = [0; LINK_BYTES];
        if signed.len() != LINK_BYTES / 3 * 4 {
            return Err(LinkError::Altered);
        }
        URL_SAFE_NO_PAD.decode_slice(signed, &mut bytes).map_err(|_| LinkError::Altered)?;
        let (claims, mac) = bytes.split_at(CLAIMS_BYTES);
        let expected = hmac::sign(&self.key, claims);
        verify_slices_are_equal(&expected.as_ref()[..MAC_BYTES], mac)
            .map_err(|_| LinkError::Altered)?;
        let expiry = claims[41..].try_into().expect("four bytes");
        if now.seconds() >= i64::from(u32::from_be_bytes(expiry)) {
            return Err(LinkError::Expired);
        }
        let kind = LinkKind::ALL.iter().find(|kind| **kind as u8 == claims[0]);
        let number = |index: usize| {
            i64::from_be_bytes(claims[index..index + 8].try_into().expect("eight bytes"))
        };
        Ok(Linked {
            kind: *kind.ok_or(LinkError::Altered)?,
            tenant_id: TenantId(number(1)),
            order_id: Id(number(9)),
            object_id: Id(number(17)),
            holder: Holder {
                app_id: AppId(number(25)),
                numbers: Numbers::from_bytes(number(33).to_be_bytes()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKED: Linked = Linked {
        kind: LinkKind::Report,
        tenant_id: TenantId(-1),
        order_id: Id(7_000_000_000_000_000_001),
        object_id: Id(2),
        holder: Holder { app_id: AppId(-5), numbers: Numbers::FIRST },
    };
    const NOW: UnixMs = UnixMs(1_795_000_000_999);

    fn signed(address: &str) -> &str {
        address.strip_prefix("https://hub.example/content/").unwrap()
    }

    #[test]
    fn a_link_gives_what_it_was_made_for_during_one_hour() {
        let links = Links::new(&Key::new([7; 32]), "https://hub.example/");
        let address = links.make(&LINKED, NOW);
        let signed = signed(&address);
        assert_eq!(signed.len(), 84);
        assert_eq!(links.read(signed, NOW), Ok(LINKED));
        assert_eq!(links.read(signed, UnixMs(1_795_003_599_999)), Ok(LINKED));
        assert_eq!(links.read(signed, UnixMs(1_795_003_600_000)), Err(LinkError::Expired));
    }

    #[test]
    fn altered_cut_extended_and_foreign_links_give_nothing() {
        let links = Links::new(&Key::new([7; 32]), "https://hub.example");
        let address = links.make(&LINKED, NOW);
        let signed = signed(&address);
        let other = Links::new(&Key::new([8; 32]), "https://hub.example");
        assert_eq!(other.read(signed, NOW), Err(LinkError::Altered));
        for index in 0..signed.len() {
            let mut altered = signed.to_owned().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(links.read(&altered, NOW), Err(LinkError::Altered), "{index}");
            assert_eq!(links.read(&signed[..index], NOW), Err(LinkError::Altered), "{index}");
        }
        for wrong in [format!("{signed}A"), format!("{signed}="), signed.to_uppercase()] {
            assert_eq!(links.read(&wrong, NOW), Err(LinkError::Altered), "{wrong}");
        }
    }
}
