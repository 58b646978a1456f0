//! Names of things: ids made without coordination, tenants and apps.

use std::fmt;
use std::str::FromStr;

use crate::time::UnixMs;

/// 2000-01-01T00:00:00Z in Unix seconds: ids count from here, so that they stay positive until 2068.
const EPOCH_SECONDS: i64 = 946_684_800;
const SECONDS_BITS: u32 = 31;
const MS_BITS: u32 = 10;
const NODE_BITS: u32 = 6;
const SEQUENCE_BITS: u32 = 16;

/// The number of nodes that may make ids at the same time.
pub const NODES: u8 = 1 << NODE_BITS;

/// A text that does not name a thing of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct NotAnId {
    /// The shape that was expected, in words.
    pub expected: &'static str,
}

/// An id, 19 digits: seconds since 2000-01-01 (31 bits), milliseconds (10), node (6), sequence (16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub i64);

impl Id {
    /// The instant at which the id was made.
    #[must_use]
    pub fn made_at(self) -> UnixMs {
        let shift = NODE_BITS + SEQUENCE_BITS;
        let seconds = (self.0 >> (MS_BITS + shift)) + EPOCH_SECONDS;
        let ms = (self.0 >> shift) & ((1 << MS_BITS) - 1);
        UnixMs(seconds * 1_000 + ms)
    }

    /// The lowest id that can be made at `at`: ids made earlier are lower, ids made then or later are not.
    #[must_use]
    pub fn first_of(at: UnixMs) -> Id {
        let since = at.0.saturating_sub(EPOCH_SECONDS * 1_000).max(0);
        if since / 1_000 >= 1 << SECONDS_BITS {
            return Id(i64::MAX);
        }
        let tick = ((since / 1_000) << MS_BITS) | (since % 1_000);
        Id(tick << (NODE_BITS + SEQUENCE_BITS))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id, NotAnId> {
        let expected = NotAnId { expected: "19 decimal digits" };
        if text.len() != 19 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(expected);
        }
        text.parse().map(Id).map_err(|_| expected)
    }
}

/// Makes the ids of one node: ascending, never twice, also when the clock is set back.
#[derive(Debug)]
pub struct IdMaker {
    node: i64,
    tick: i64,
    sequence: i64,
}

impl IdMaker {
    /// A maker for `node`, which nobody else may use at the same time; `node` is below [`NODES`].
    #[must_use]
    pub fn new(node: u8) -> IdMaker {
        assert!(node < NODES, "a node number is below {NODES}");
        IdMaker { node: i64::from(node), tick: 0, sequence: 0 }
    }

    /// A maker for `node` whose ids come after `last`, also when the clock was set back meanwhile.
    #[must_use]
    pub fn after(node: u8, last: Id) -> IdMaker {
        let tick = last.0 >> (NODE_BITS + SEQUENCE_BITS);
        IdMaker { tick, sequence: 1 << SEQUENCE_BITS, ..IdMaker::new(node) }
    }

    /// The next id at `now`. When `now` lies before the last id, the last id's time goes on.
    pub fn next(&mut self, now: UnixMs) -> Id {
        self.block(now, 1)
    }

    /// The first of `count` consecutive ids at `now`; `count` is 1 to 65,535.
    pub fn block(&mut self, now: UnixMs, count: u16) -> Id {
        let since = (now.0 - EPOCH_SECONDS * 1_000).max(0);
        let tick = ((since / 1_000) << MS_BITS) | (since % 1_000);
        let count = i64::from(count);
        if tick > self.tick {
            self.tick = tick;
            self.sequence = 0;
        } else if self.sequence + count > 1 << SEQUENCE_BITS {
            // The tick's last bits are a count of milliseconds up to 999, but nothing breaks above it.
            self.tick += 1;
            self.sequence = 0;
        }
        let first = ((self.tick << NODE_BITS | self.node) << SEQUENCE_BITS) | self.sequence;
        self.sequence += count;
        Id(first)
    }
}

macro_rules! hex_name {
    ($(#[$meta:meta])* $name:ident, $prefix:literal, $expected:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:016x}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<$name, NotAnId> {
                let expected = NotAnId { expected: $expected };
                let hex = text.strip_prefix($prefix).ok_or(expected)?;
                let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if hex.len() != 16 || !hex.bytes().all(is_hex) {
                    return Err(expected);
                }
                let bits = u64::from_str_radix(hex, 16).map_err(|_| expected)?;
                Ok($name(bits as i64))
            }
        }
    };
}

hex_name!(
    /// A tenant; its text is the `tenant_key`, 16 lower-case hex digits.
    TenantId, "", "16 lower-case hex digits"
);
hex_name!(
    /// An app; its text is the `app_id`, `cli_` and 16 lower-case hex digits.
    AppId, "cli_", "cli_ and 16 lower-case hex digits"
);

/// Where events are sent. The first kind is an app, whose id is the endpoint's too; the ids of all kinds are of one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub i64);

impl From<AppId> for EndpointId {
    fn from(app_id: AppId) -> EndpointId {
        EndpointId(app_id.0)
    }
}

impl EndpointId {
    /// The app that it is, if it is one.
    #[must_use]
    pub fn app_id(self) -> AppId {
        AppId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_19_digits_and_tell_their_time() {
        let now = UnixMs(1_795_000_000_123);
        let id = IdMaker::new(3).next(now);
        assert_eq!(id.to_string().len(), 19);
        assert_eq!(id.made_at(), now);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_ascend_while_the_clock_goes_back_and_when_a_millisecond_overflows() {
        let mut maker = IdMaker::new(0);
        let mut last = maker.next(UnixMs(1_795_000_000_000));
        for step in 0..200_000 {
            let now =
                if step % 2 == 0 { UnixMs(1_795_000_000_000) } else { UnixMs(1_700_000_000_000) };
            let id = maker.next(now);
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn a_maker_that_resumes_stays_ahead_of_the_last_id() {
        let last = IdMaker::new(5).block(UnixMs(1_795_000_000_999), 60_000);
        let resumed = IdMaker::after(5, last).next(UnixMs(1_700_000_000_000));
        assert!(resumed.0 > last.0 + 60_000);
    }

    #[test]
    fn names_take_only_their_own_shape() {
        assert_eq!("cli_00000000000000ff".parse(), Ok(AppId(255)));
        assert_eq!(AppId(-1).to_string(), "cli_ffffffffffffffff");
        assert_eq!("ffffffffffffffff".parse(), Ok(TenantId(-1)));
        for wrong in
            ["", "cli_", "cli_00000000000000FF", "cli_+0000000000000ff", "00000000000000ff0"]
        {
            assert!(wrong.parse::<AppId>().is_err(), "{wrong}");
            assert!(wrong.parse::<TenantId>().is_err(), "{wrong}");
        }
        for wrong in ["", "+693128640047035418", "69312864004703541831", "9999999999999999999"] {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
    }
}
