//! Retention: an order is erased a number of days after its end, by its package's rule, else the tenant's, unless a
//! legal hold is on it or the tenant. Source: product, section 4.

use crate::time::UnixMs;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// The bounds that the operator sets for every rule of retention, in days after an order's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// No order goes earlier, not by hand either.
    pub min_days: u32,
    /// No rule keeps an order longer.
    pub max_days: u32,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { min_days: 0, max_days: 3_650 }
    }
}

impl Bounds {
    /// Whether a rule may say this many days.
    #[must_use]
    pub fn allow(self, days: u32) -> bool {
        (self.min_days..=self.max_days).contains(&days)
    }

    /// How long a rule keeps an order, within the bounds also when they were narrowed since.
    #[must_use]
    pub fn within(self, days: u32) -> u32 {
        days.clamp(self.min_days, self.max_days.max(self.min_days))
    }
}

/// The rule that counts for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Days after the order's end.
    pub days: u32,
    /// Whether it is that of the order's package, else it is the tenant's.
    pub is_of_package: bool,
}

/// What is asked of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// When it ended.
    pub ended_at: Option<UnixMs>,
    /// Whether it is held itself.
    pub is_held: bool,
    /// Whether its tenant is held.
    pub is_tenant_held: bool,
    /// The rule that counts.
    pub rule: Rule,
}

/// Why an order stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// It has not ended.
    NotEnded,
    /// It is under a legal hold.
    Held,
    /// Its tenant is under a legal hold.
    TenantHeld,
    /// It is stored until this instant.
    Until(UnixMs),
}

/// Whether an order is to be erased at `now` by its rule; an error is the reason why not.
pub fn check(facts: &Facts, now: UnixMs) -> Result<(), Stays> {
    check_after(facts, facts.rule.days, now)
}

/// Whether an order may be erased by hand at `now`: whatever its rule says, but not before the least time.
pub fn check_by_hand(facts: &Facts, bounds: Bounds, now: UnixMs) -> Result<(), Stays> {
    check_after(facts, bounds.min_days, now)
}

/// When an order that ended then is erased.
#[must_use]
pub fn due_at(ended_at: UnixMs, days: u32) -> UnixMs {
    ended_at.plus_ms(i64::from(days) * DAY_MS)
}

fn check_after(facts: &Facts, days: u32, now: UnixMs) -> Result<(), Stays> {
    let ended_at = facts.ended_at.ok_or(Stays::NotEnded)?;
    if facts.is_held {
        return Err(Stays::Held);
    }
    if facts.is_tenant_held {
        return Err(Stays::TenantHeld);
    }
    let due_at = due_at(ended_at, days);
    if due_at > now { Err(Stays::Until(due_at)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: UnixMs = UnixMs(1_795_000_000_000);
    const FACTS: Facts = Facts {
        ended_at: Some(END),
        is_held: false,
        is_tenant_held: false,
        rule: Rule { days: 30, is_of_package: false },
    };

    #[test]
    fn an_order_goes_with_the_millisecond_of_its_rule_and_not_before() {
        let due_at = END.plus_ms(30 * DAY_MS);
        assert_eq!(check(&FACTS, due_at), Ok(()));
        assert_eq!(check(&FACTS, due_at.plus_ms(-1)), Err(Stays::Until(due_at)));
    }

    #[test]
    fn holds_and_orders_that_have_not_ended_stay_whatever_the_time() {
        let far = END.plus_ms(100_000 * DAY_MS);
        for (facts, expected) in [
            (Facts { ended_at: None, ..FACTS }, Stays::NotEnded),
            (Facts { is_held: true, ..FACTS }, Stays::Held),
            (Facts { is_tenant_held: true, ..FACTS }, Stays::TenantHeld),
            (Facts { is_held: true, is_tenant_held: true, ..FACTS }, Stays::Held),
        ] {
            assert_eq!(check(&facts, far), Err(expected));
            assert_eq!(check_by_hand(&facts, Bounds::default(), far), Err(expected));
        }
    }

    #[test]
    fn by_hand_the_least_time_counts_alone() {
        let bounds = Bounds { min_days: 7, max_days: 400 };
        let least = END.plus_ms(7 * DAY_MS);
        assert_eq!(check_by_hand(&FACTS, bounds, least), Ok(()));
        assert_eq!(check_by_hand(&FACTS, bounds, least.plus_ms(-1)), Err(Stays::Until(least)));
        assert_eq!(check_by_hand(&FACTS, Bounds::default(), END), Ok(()));
    }

    #[test]
    fn bounds_that_were_narrowed_count_for_older_rules() {
        let bounds = Bounds { min_days: 7, max_days: 400 };
        assert_eq!([0, 7, 365, 400, 401].map(|days| bounds.within(days)), [7, 7, 365, 400, 400]);
        assert!(bounds.allow(7) && bounds.allow(400) && !bounds.allow(6) && !bounds.allow(401));
    }
}
