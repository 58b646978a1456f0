//! Names of what is seeded, the same in every run, and randomness without a source: both only look random.

use contract::hex::to_hex;
use domain::{AppId, Id, TenantId};
use store::Key;

/// Tenants; each has one app, one account and one token.
pub(crate) const TENANTS: usize = 2_000;
/// The package that every order has.
pub(crate) const PACKAGE: &str = "standard";
/// The encrypt key of every app.
pub(crate) const ENCRYPT_KEY: &str = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
/// The root key of seeded installations, which hold nothing that is worth a secret.
const ROOT_KEY: [u8; 32] = [0x5a; 32];

pub(crate) fn root_key() -> Key {
    Key::new(ROOT_KEY)
}

/// The root key as the server takes it.
pub(crate) fn root_key_hex() -> String {
    to_hex(&ROOT_KEY)
}

pub(crate) fn tenant_id(index: usize) -> TenantId {
    TenantId(Random::new(index as u64).next() as i64)
}

pub(crate) fn app_id(index: usize) -> AppId {
    AppId(Random::new((index + TENANTS) as u64).next() as i64)
}

pub(crate) fn app_secret(index: usize) -> String {
    format!("bench-{index:026}")
}

/// The member who places the orders of a tenant.
pub(crate) fn api_key_id(index: usize) -> Id {
    Id(1_000_000_000_000_000_000 + index as i64)
}

/// Numbers that look random: splitmix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let index = self.next() % (last as u64 + 1);
            items.swap(last, index as usize);
        }
    }
}
