//! Concurrency limit and circuit breaker of each endpoint, so that a slow or dead receiver stops nobody else.
//!
//! Each endpoint has a few places; what was claimed beyond them waits, and more waits where a receiver is
//! quick. A receiver that gave no answer is down until it answers again: then nothing waits for it, because
//! that would sit out its lease behind a time-out, and every 15 s one delivery is tried. All of it is in memory; a new
//! process learns anew who is down.

use std::collections::{HashMap, VecDeque};

use domain::EndpointId;
use store::claims::ClaimedDelivery;

/// Deliveries under way at once, of all endpoints.
const RUNNING_MAX: usize = 256;
/// Deliveries under way at once, for one endpoint.
const RUNNING_PER_ENDPOINT: usize = 16;
/// Deliveries that are claimed, of all endpoints.
const STOCK_MAX: usize = 1_024;
/// Deliveries that are claimed, for one endpoint whose receiver is quick.
const STOCK_PER_ENDPOINT: usize = 128;
/// Endpoints for which is claimed at once.
const ENDPOINTS_AT_ONCE: usize = 64;
/// A receiver that answers within this is quick: what waits for it has its turn long before its lease ends.
const QUICK_MS: u64 = 100;
/// How long a receiver that is down is left alone.
const COOL_DOWN_MS: u64 = 15_000;
/// A receiver that was down so long has missed something worth a retry at once.
const MISSED_MS: u64 = 60_000;
/// How often it is noted that an endpoint takes events.
const NOTE_EVERY_MS: u64 = 60_000;

/// What the end of a delivery says about its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered, whatever it said, after this many milliseconds.
    Up(u64),
    /// It gave no whole answer in time.
    Down,
    /// Nothing was sent.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct EndpointLimiter {
    by_endpoint: HashMap<EndpointId, Endpoint>,
    running: usize,
    waiting: usize,
    /// The endpoint that was served last; the next one's turn comes first.
    last: Option<EndpointId>,
    /// When it was noted last that an endpoint takes events.
    noted: HashMap<EndpointId, u64>,
}

#[derive(Debug, Default)]
struct Endpoint {
    running: usize,
    waiting: VecDeque<ClaimedDelivery>,
    is_quick: bool,
    down: Option<Down>,
}

/// Instants on the clock's monotonic count.
#[derive(Debug, Clone, Copy)]
struct Down {
    since_ms: u64,
    cools_down_until_ms: u64,
}

/// What follows from the end of a delivery.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Released {
    /// What must not wait any longer, because the receiver is down.
    pub(super) given_up: Vec<ClaimedDelivery>,
    /// Whether the receiver is back after it was down for long.
    pub(super) is_back: bool,
    /// Whether more may be claimed for the endpoint now.
    pub(super) has_room: bool,
}

impl Endpoint {
    fn stock(&self) -> usize {
        self.running + self.waiting.len()
    }

    fn slots(&self) -> usize {
        if self.down.is_some() { 1 } else { RUNNING_PER_ENDPOINT }
    }

    /// How much may be claimed now: nothing while more than half is left, so that claims are few and large.
    fn room(&self, now_ms: u64) -> usize {
        let stock = self.stock();
        match self.down {
            Some(down) => usize::from(stock == 0 && now_ms >= down.cools_down_until_ms),
            None => {
                let most = if self.is_quick { STOCK_PER_ENDPOINT } else { RUNNING_PER_ENDPOINT };
                if stock > most / 2 { 0 } else { most - stock }
            }
        }
    }
}

impl EndpointLimiter {
    /// Of the endpoints for which something is due, in the order of their ids, those whose turn it is, each with what
    /// may be claimed for it.
    pub(super) fn choose(&mut self, due: &[EndpointId], now_ms: u64) -> Vec<(EndpointId, u32)> {
        let mut left = STOCK_MAX - self.running - self.waiting;
        let turn =
            due.partition_point(|endpoint_id| self.last.is_some_and(|last| *endpoint_id <= last));
        let mut chosen = Vec::new();
        for endpoint_id in due[turn..].iter().chain(&due[..turn]) {
            if left == 0 || chosen.len() == ENDPOINTS_AT_ONCE {
                break;
            }
            let room = self
                .by_endpoint
                .get(endpoint_id)
                .map_or(RUNNING_PER_ENDPOINT, |endpoint| endpoint.room(now_ms));
            let room = room.min(left);
            if room > 0 {
                left -= room;
                self.last = Some(*endpoint_id);
                chosen.push((*endpoint_id, u32::try_from(room).unwrap_or(u32::MAX)));
            }
        }
        chosen
    }

    /// Takes claimed deliveries of an endpoint in; they come back when its receiver went down meanwhile.
    pub(super) fn admit(
        &mut self,
        endpoint_id: EndpointId,
        claimed: Vec<ClaimedDelivery>,
    ) -> Vec<ClaimedDelivery> {
        let endpoint = self.by_endpoint.entry(endpoint_id).or_default();
        if endpoint.down.is_some() && (endpoint.stock() > 0 || claimed.len() > 1) {
            return claimed;
        }
        self.waiting += claimed.len();
        endpoint.waiting.extend(claimed);
        Vec::new()
    }

    /// Gives the next delivery of the endpoint a place; none when there is no place or nothing waits.
    pub(super) fn start(&mut self, endpoint_id: EndpointId) -> Option<ClaimedDelivery> {
        let endpoint = self.by_endpoint.get_mut(&endpoint_id)?;
        if self.running >= RUNNING_MAX || endpoint.running >= endpoint.slots() {
            return None;
        }
        let claimed = endpoint.waiting.pop_front()?;
        endpoint.running += 1;
        self.running += 1;
        self.waiting -= 1;
        Some(claimed)
    }

    /// Whether a delivery may wait for a place that another endpoint's delivery leaves.
    pub(super) fn is_crowded(&self) -> bool {
        self.running + 1 >= RUNNING_MAX
    }

    /// The endpoints for which something waits.
    pub(super) fn with_waiting(&self) -> Vec<EndpointId> {
        let waits = self.by_endpoint.iter().filter(|(_, endpoint)| !endpoint.waiting.is_empty());
        waits.map(|(endpoint_id, _)| *endpoint_id).collect()
    }

    /// Whether a success of this endpoint is worth a note now: once a minute, and at once after a failure.
    pub(super) fn must_note(&mut self, endpoint_id: EndpointId, now_ms: u64) -> bool {
        let is_fresh =
            self.noted.get(&endpoint_id).is_some_and(|at_ms| now_ms < at_ms + NOTE_EVERY_MS);
        if !is_fresh {
            self.noted.insert(endpoint_id, now_ms);
        }
        !is_fresh
    }

    /// Forgets that it was noted: the endpoint failed.
    pub(super) fn unnote(&mut self, endpoint_id: EndpointId) {
        self.noted.remove(&endpoint_id);
    }

    /// Takes note of the end of a delivery, which was at `at_ms`: whoever ended later may be noted earlier.
    pub(super) fn end(&mut self, endpoint_id: EndpointId, health: Health, at_ms: u64) -> Released {
        let Some(endpoint) = self.by_endpoint.get_mut(&endpoint_id) else {
            return Released::default();
        };
        endpoint.running -= 1;
        self.running -= 1;
        let mut released = Released::default();
        match health {
            Health::Up(took_ms) => {
                let down = endpoint.down.take();
                released.is_back = down.is_some_and(|down| at_ms >= down.since_ms + MISSED_MS);
                endpoint.is_quick = took_ms <= QUICK_MS;
            }
            Health::Down => {
                let cools_down_until_ms = at_ms + COOL_DOWN_MS;
                let down =
                    endpoint.down.get_or_insert(Down { since_ms: at_ms, cools_down_until_ms });
                down.cools_down_until_ms = down.cools_down_until_ms.max(cools_down_until_ms);
                released.given_up.extend(endpoint.waiting.drain(..));
            }
            Health::Unknown => {}
        }
        self.waiting -= released.given_up.len();
        released.has_room = endpoint.room(at_ms) > 0;
        if endpoint.stock() == 0 && endpoint.down.is_none() && !endpoint.is_quick {
            self.by_endpoint.remove(&endpoint_id);
        }
        released
    }

    /// Everything that waits, to be given back.
    pub(super) fn drain(&mut self) -> Vec<ClaimedDelivery> {
        self.waiting = 0;
        self.by_endpoint.values_mut().flat_map(|endpoint| endpoint.waiting.drain(..)).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::event::{EventId, EventKind};
    use domain::{Id, TenantId, UnixMs};

    use super::*;

    const DEAD: EndpointId = EndpointId(1);
    const GOOD: EndpointId = EndpointId(2);

    fn delivery(endpoint_id: EndpointId, event_no: i64) -> ClaimedDelivery {
        ClaimedDelivery {
            tenant_id: TenantId(1),
            event_id: EventId { event_no: Id(event_no), tag: [0; 8] },
            kind: EventKind::OrderCreated,
            endpoint_id,
            app_id: endpoint_id.app_id(),
            order_id: Some(Id(event_no)),
            created_at: UnixMs(0),
            attempt: 1,
            tries_before: 0,
            lease_until: UnixMs(1),
            content: None,
        }
    }

    /// Admits `count` deliveries; how many came back.
    fn admit(limiter: &mut EndpointLimiter, endpoint_id: EndpointId, count: i64) -> usize {
        limiter
            .admit(endpoint_id, (0..count).map(|number| delivery(endpoint_id, number)).collect())
            .len()
    }

    fn start_all(limiter: &mut EndpointLimiter, endpoint_id: EndpointId) -> usize {
        std::iter::from_fn(|| limiter.start(endpoint_id)).count()
    }

    #[test]
    fn an_endpoint_has_sixteen_places_and_the_rest_waits_in_order() {
        let mut limiter = EndpointLimiter::default();
        assert_eq!(limiter.choose(&[DEAD], 0), [(DEAD, 16)]);
        assert_eq!(admit(&mut limiter, DEAD, 20), 0);
        assert_eq!(start_all(&mut limiter, DEAD), 16);
        assert_eq!((limiter.choose(&[DEAD], 0), limiter.with_waiting()), (vec![], vec![DEAD]));
        assert_eq!(admit(&mut limiter, GOOD, 1), 0);
        assert_eq!(start_all(&mut limiter, GOOD), 1);
        assert_eq!(limiter.end(DEAD, Health::Up(101), 0), Released::default());
        assert_eq!(limiter.start(DEAD), Some(delivery(DEAD, 16)));
        assert_eq!(limiter.start(DEAD), None);
    }

    #[test]
    fn more_waits_for_a_quick_receiver_and_is_claimed_when_half_is_gone() {
        let mut limiter = EndpointLimiter::default();
        admit(&mut limiter, GOOD, 16);
        assert_eq!(start_all(&mut limiter, GOOD), 16);
        assert!(limiter.end(GOOD, Health::Up(100), 0).has_room);
        assert_eq!(limiter.choose(&[GOOD], 0), [(GOOD, 113)]);
        admit(&mut limiter, GOOD, 113);
        assert_eq!(limiter.choose(&[GOOD], 0), []);
        for left in (64..128).rev() {
            start_all(&mut limiter, GOOD);
            assert_eq!(limiter.end(GOOD, Health::Up(1), 0).has_room, left == 64, "{left}");
        }
    }

    #[test]
    fn a_receiver_that_is_down_is_tried_now_and_then_and_nobody_waits_for_it() {
        let mut limiter = EndpointLimiter::default();
        admit(&mut limiter, DEAD, 20);
        start_all(&mut limiter, DEAD);
        assert_eq!(limiter.end(DEAD, Health::Down, 0).given_up.len(), 4);
        for _ in 0..14 {
            assert_eq!(limiter.end(DEAD, Health::Down, 3_000), Released::default());
        }
        assert_eq!(limiter.end(DEAD, Health::Down, 2_000), Released::default(), "noted late");
        assert_eq!(limiter.choose(&[DEAD, GOOD], 17_999), [(GOOD, 16)]);
        assert_eq!(limiter.choose(&[DEAD], 18_000), [(DEAD, 1)]);
        assert_eq!(admit(&mut limiter, DEAD, 1), 0);
        assert_eq!(start_all(&mut limiter, DEAD), 1);
        assert_eq!(admit(&mut limiter, DEAD, 1), 1, "one at once");
        assert_eq!(limiter.choose(&[DEAD], 40_000), []);
        let released = limiter.end(DEAD, Health::Up(1), 40_000);
        assert!(released.has_room && !released.is_back, "40 s are no great loss");
        assert_eq!(limiter.choose(&[DEAD], 40_000), [(DEAD, 128)]);
    }

    #[test]
    fn a_receiver_that_was_down_for_a_minute_is_back() {
        let mut limiter = EndpointLimiter::default();
        admit(&mut limiter, DEAD, 1);
        start_all(&mut limiter, DEAD);
        limiter.end(DEAD, Health::Down, 10);
        admit(&mut limiter, DEAD, 1);
        start_all(&mut limiter, DEAD);
        limiter.end(DEAD, Health::Down, 50_000);
        admit(&mut limiter, DEAD, 1);
        start_all(&mut limiter, DEAD);
        assert!(limiter.end(DEAD, Health::Up(1), 60_010).is_back);
        admit(&mut limiter, DEAD, 1);
        start_all(&mut limiter, DEAD);
        assert!(!limiter.end(DEAD, Health::Up(1), 60_020).is_back, "once");
    }

    #[test]
    fn a_delivery_that_was_not_sent_says_nothing_about_the_receiver() {
        let mut limiter = EndpointLimiter::default();
        for health in [Health::Down, Health::Unknown] {
            admit(&mut limiter, DEAD, 1);
            start_all(&mut limiter, DEAD);
            limiter.end(DEAD, health, 0);
        }
        assert_eq!(limiter.choose(&[DEAD], 1), [], "still down");
    }

    #[test]
    fn all_endpoints_together_have_bounds_and_each_has_its_turn() {
        let mut limiter = EndpointLimiter::default();
        let endpoints: Vec<_> = (0..100).map(EndpointId).collect();
        let first = limiter.choose(&endpoints, 0);
        assert_eq!(
            (first.len(), first[0], first[63]),
            (64, (EndpointId(0), 16), (EndpointId(63), 16))
        );
        for (endpoint_id, room) in first {
            admit(&mut limiter, endpoint_id, i64::from(room));
        }
        assert_eq!(limiter.choose(&endpoints, 0), [], "1,024 are claimed");
        let started: usize =
            endpoints.iter().map(|endpoint_id| start_all(&mut limiter, *endpoint_id)).sum();
        assert_eq!(started, RUNNING_MAX);
        assert!(limiter.is_crowded());
        assert_eq!(limiter.drain().len(), STOCK_MAX - RUNNING_MAX);
        assert_eq!(limiter.choose(&endpoints, 0)[0].0, EndpointId(64), "whose turn did not come");
    }

    #[test]
    fn a_success_is_noted_once_a_minute_and_after_each_failure() {
        let mut limiter = EndpointLimiter::default();
        assert!(limiter.must_note(GOOD, 0));
        assert!(!limiter.must_note(GOOD, 59_999));
        assert!(limiter.must_note(GOOD, 60_000));
        limiter.unnote(GOOD);
        assert!(limiter.must_note(GOOD, 60_001));
    }
}
