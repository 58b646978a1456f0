//! Tries to sign in take turns: each is counted before it is made, so that many at once are no way around the wait, and is
//! given back when it succeeds.

use std::net::{IpAddr, Ipv6Addr};

use domain::backoff::{Limit, Tries};
use domain::{Id, UnixMs};
use store::audit::By;
use store::sign_in_tries::Subject;

use crate::{Error, Hub};

/// How often counting is begun anew when others count for the same subjects.
const TIMES: usize = 8;

/// Counts a try of each subject; gives the tries of the first one, this one included. Refuses with [`Error::TooSoon`] while
/// one of them has to wait.
pub(crate) async fn take<const N: usize>(
    hub: &Hub,
    of: [(Subject, Limit); N],
) -> Result<Tries, Error> {
    let subjects = of.map(|(subject, _)| subject);
    for _ in 0..TIMES {
        let now = hub.installation_clock.now();
        let from = hub.store.find_tries(subjects).await?;
        let mut to = from;
        for (tries, (_, limit)) in to.iter_mut().zip(of) {
            *tries = tries.add(limit, now).map_err(|free_at| too_soon(free_at, now))?;
        }
        if hub.store.count_tries(subjects, from, to).await? {
            return Ok(to[0]);
        }
    }
    Err(Error::TooSoon(1))
}

fn too_soon(free_at: UnixMs, now: UnixMs) -> Error {
    let wait_ms = u64::try_from(free_at.ms_since(now)).unwrap_or(0);
    Error::TooSoon(wait_ms.div_ceil(1_000).max(1))
}

/// What tries from an address are counted for: the address, of IPv6 its network of 64 bits, which one caller has whole.
pub(crate) fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// Notes in the audit chains that tries failed at the access of this person, now and then.
pub(crate) async fn note_failure(
    hub: &Hub,
    user_id: Id,
    tries: Tries,
    limit: Limit,
) -> Result<(), Error> {
    if tries.is_worth_an_entry(limit) {
        let by = By::system(hub.installation_clock.now());
        hub.store.note_failed_sign_ins(by, user_id, tries.count).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_counts_with_its_network() {
        for (address, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(network(address), expected);
        }
    }
}
