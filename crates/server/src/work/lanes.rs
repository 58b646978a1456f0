//! Lanes: who may be sent how much at once, so that a slow or dead receiver stops nobody else.
//!
//! Each app has a lane with a few places; what was claimed beyond them waits. A receiver that gave no answer
//! is down until it answers again: then its lane has one place and nobody waits in it, because those would sit
//! out their leases behind a time-out. Lanes live in memory; a new process learns anew who is down.

use std::collections::{HashMap, VecDeque};

use domain::AppId;
use store::deliveries::ClaimedDelivery;

/// Deliveries under way at once, of all apps.
const RUNNING_MAX: usize = 256;
/// Deliveries under way at once, for one app.
const RUNNING_PER_APP: usize = 8;
/// Deliveries that are claimed and wait for a place.
const WAITING_MAX: usize = 1_024;
/// Deliveries claimed at once.
const CLAIM_MAX: usize = 64;

/// What the end of a delivery says about its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answered, whatever it said.
    Up,
    /// It gave no whole answer in time.
    Down,
    /// Nothing was sent.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_app: HashMap<AppId, Lane>,
    running: usize,
    waiting: usize,
}

#[derive(Debug, Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<ClaimedDelivery>,
    is_down: bool,
}

impl Lane {
    fn has_place(&self) -> bool {
        self.running < if self.is_down { 1 } else { RUNNING_PER_APP }
    }
}

impl Lanes {
    /// How many deliveries may be claimed now.
    pub(super) fn room(&self) -> usize {
        CLAIM_MAX.min(WAITING_MAX - self.waiting)
    }

    /// The apps for which nothing more may be claimed now.
    pub(super) fn full(&self) -> Vec<AppId> {
        let is_full = |lane: &Lane| !lane.waiting.is_empty() || !lane.has_place();
        self.by_app.iter().filter(|(_, lane)| is_full(lane)).map(|(app_id, _)| *app_id).collect()
    }

    /// Takes a claimed delivery in; it comes back when its receiver is down and has no place.
    pub(super) fn admit(&mut self, claimed: ClaimedDelivery) -> Option<ClaimedDelivery> {
        let lane = self.by_app.entry(claimed.app_id).or_default();
        if lane.is_down && lane.running + lane.waiting.len() > 0 {
            return Some(claimed);
        }
        lane.waiting.push_back(claimed);
        self.waiting += 1;
        None
    }

    /// Gives the next delivery of the app a place; none when there is no place or nothing waits.
    pub(super) fn start(&mut self, app_id: AppId) -> Option<ClaimedDelivery> {
        let lane = self.by_app.get_mut(&app_id)?;
        if self.running >= RUNNING_MAX || !lane.has_place() {
            return None;
        }
        let claimed = lane.waiting.pop_front()?;
        lane.running += 1;
        self.running += 1;
        self.waiting -= 1;
        Some(claimed)
    }

    /// The apps for which something waits.
    pub(super) fn with_waiting(&self) -> Vec<AppId> {
        let waits = self.by_app.iter().filter(|(_, lane)| !lane.waiting.is_empty());
        waits.map(|(app_id, _)| *app_id).collect()
    }

    /// Takes note of the end of a delivery; gives what must not wait any longer, because the receiver is down.
    pub(super) fn end(&mut self, app_id: AppId, sign: Sign) -> Vec<ClaimedDelivery> {
        let Some(lane) = self.by_app.get_mut(&app_id) else { return Vec::new() };
        lane.running -= 1;
        self.running -= 1;
        let mut given_up = Vec::new();
        match sign {
            Sign::Up => lane.is_down = false,
            Sign::Down => {
                lane.is_down = true;
                given_up.extend(lane.waiting.drain(..));
            }
            Sign::Unknown => {}
        }
        self.waiting -= given_up.len();
        if lane.running == 0 && lane.waiting.is_empty() && !lane.is_down {
            self.by_app.remove(&app_id);
        }
        given_up
    }

    /// Everything that waits, to be given back.
    pub(super) fn drain(&mut self) -> Vec<ClaimedDelivery> {
        self.waiting = 0;
        self.by_app.values_mut().flat_map(|lane| lane.waiting.drain(..)).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Id, TenantId, UnixMs};
    use store::events::{EventId, EventKind};

    use super::*;

    const DEAD: AppId = AppId(1);
    const GOOD: AppId = AppId(2);

    fn delivery(app_id: AppId, event_no: i64) -> ClaimedDelivery {
        ClaimedDelivery {
            tenant_id: TenantId(1),
            event_id: EventId { event_no: Id(event_no), tag: [0; 8] },
            kind: EventKind::OrderCreated,
            app_id,
            order_id: Some(Id(event_no)),
            created_at: UnixMs(0),
            attempt: 1,
            lease_until: UnixMs(1),
        }
    }

    /// Admits `count` deliveries; how many came back.
    fn admit(lanes: &mut Lanes, app_id: AppId, count: i64) -> usize {
        (0..count).filter_map(|number| lanes.admit(delivery(app_id, number))).count()
    }

    fn start_all(lanes: &mut Lanes, app_id: AppId) -> usize {
        std::iter::from_fn(|| lanes.start(app_id)).count()
    }

    #[test]
    fn an_app_has_eight_places_and_the_rest_waits_in_order() {
        let mut lanes = Lanes::default();
        assert_eq!(admit(&mut lanes, DEAD, 20), 0);
        assert_eq!(start_all(&mut lanes, DEAD), 8);
        assert_eq!((lanes.full(), lanes.with_waiting()), (vec![DEAD], vec![DEAD]));
        assert_eq!(admit(&mut lanes, GOOD, 1), 0);
        assert_eq!(start_all(&mut lanes, GOOD), 1);
        assert_eq!(lanes.end(DEAD, Sign::Up), []);
        assert_eq!(lanes.start(DEAD), Some(delivery(DEAD, 8)));
        assert_eq!(lanes.start(DEAD), None);
    }

    #[test]
    fn a_receiver_that_is_down_has_one_place_and_nobody_waits_for_it() {
        let mut lanes = Lanes::default();
        admit(&mut lanes, DEAD, 20);
        start_all(&mut lanes, DEAD);
        assert_eq!(lanes.end(DEAD, Sign::Down).len(), 12);
        assert_eq!(lanes.room(), CLAIM_MAX);
        for _ in 0..7 {
            assert_eq!(lanes.end(DEAD, Sign::Down), []);
        }
        assert_eq!(lanes.full(), []);
        assert_eq!(admit(&mut lanes, DEAD, 5), 4, "one probe");
        assert_eq!(start_all(&mut lanes, DEAD), 1);
        assert_eq!(lanes.full(), [DEAD]);
        assert_eq!(lanes.end(DEAD, Sign::Up), []);
        assert_eq!(admit(&mut lanes, DEAD, 20), 0, "up again");
        assert_eq!(start_all(&mut lanes, DEAD), 8);
    }

    #[test]
    fn a_delivery_that_was_not_sent_says_nothing_about_the_receiver() {
        let mut lanes = Lanes::default();
        admit(&mut lanes, DEAD, 1);
        start_all(&mut lanes, DEAD);
        lanes.end(DEAD, Sign::Down);
        admit(&mut lanes, DEAD, 1);
        start_all(&mut lanes, DEAD);
        lanes.end(DEAD, Sign::Unknown);
        assert_eq!(admit(&mut lanes, DEAD, 2), 1, "still down");
    }

    #[test]
    fn all_apps_together_have_bounds_too() {
        let mut lanes = Lanes::default();
        let apps = (0..40).map(AppId);
        for app_id in apps.clone() {
            admit(&mut lanes, app_id, 25);
        }
        assert_eq!(lanes.room(), 24);
        let started: usize = apps.clone().map(|app_id| start_all(&mut lanes, app_id)).sum();
        assert_eq!(started, RUNNING_MAX);
        assert_eq!(lanes.drain().len(), 1_000 - RUNNING_MAX);
        assert_eq!(lanes.room(), CLAIM_MAX);
    }
}
