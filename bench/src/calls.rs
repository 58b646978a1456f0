//! Lists of calls to make, each for an arranged order, none of them twice.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::names::{Random, TENANTS};

/// Calls are chosen among this many orders at a time when they are to lie close together.
const BLOCK: usize = 20_000;
/// The most calls that a burst may take.
const BURST_MAX: u64 = 200_000;

/// An order that waits for its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arranged {
    pub(crate) order_id: i64,
    /// The place of its tenant, from 0.
    pub(crate) tenant: usize,
}

/// A choice of orders: those at random anywhere, and those in blocks of neighbours.
pub(crate) type Part = fn(Vec<Arranged>) -> (Vec<Arranged>, Vec<Arranged>);

/// A list in a file, as `call.lua` reads it, and how far it is used up.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) path: PathBuf,
    pub(crate) next: u64,
    arranged: Vec<Arranged>,
}

impl Calls {
    pub(crate) fn write(path: &Path, arranged: Vec<Arranged>) -> anyhow::Result<Calls> {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        for Arranged { order_id, tenant } in &arranged {
            writeln!(file, "{order_id:019} {tenant:04}")?;
        }
        file.flush()?;
        Ok(Calls { path: path.to_owned(), next: 0, arranged })
    }

    /// The calls that one burst may take from here on.
    pub(crate) fn most(&self) -> u64 {
        (self.arranged.len() as u64).saturating_sub(self.next).min(BURST_MAX)
    }

    /// Marks calls as made.
    pub(crate) fn skip(&mut self, count: u64) {
        self.next += count;
    }

    /// Takes the next call for the bench itself.
    pub(crate) fn take(&mut self) -> Option<Arranged> {
        let index = usize::try_from(self.next).ok()?;
        self.next += 1;
        self.arranged.get(index).copied()
    }
}

/// Parts the orders in two lists: one at random over all of them, and one of blocks of neighbours, the newest
/// first, at random within each block. Both spread evenly over the tenants, so that no limit is met.
pub(crate) fn part(mut arranged: Vec<Arranged>) -> (Vec<Arranged>, Vec<Arranged>) {
    let mut random = Random::new(arranged.len() as u64);
    let mut anywhere = spread(&arranged, &mut random);
    anywhere.truncate(arranged.len() / 2);
    let taken: std::collections::HashSet<i64> = anywhere.iter().map(|it| it.order_id).collect();
    arranged.retain(|order| !taken.contains(&order.order_id));
    arranged.sort_unstable_by_key(|order| std::cmp::Reverse(order.order_id));
    let close = arranged.chunks(BLOCK).flat_map(|block| spread(block, &mut random)).collect();
    (anywhere, close)
}

/// Orders at random, in rounds in which each tenant comes once.
fn spread(orders: &[Arranged], random: &mut Random) -> Vec<Arranged> {
    let mut of_tenants = vec![Vec::new(); TENANTS];
    for order in orders {
        of_tenants[order.tenant].push(*order);
    }
    of_tenants.iter_mut().for_each(|orders| random.shuffle(orders));
    let rounds = of_tenants.iter().map(Vec::len).max().unwrap_or(0);
    let mut tenants: Vec<usize> = (0..TENANTS).collect();
    let mut spread = Vec::with_capacity(orders.len());
    for round in 0..rounds {
        random.shuffle(&mut tenants);
        spread.extend(tenants.iter().filter_map(|&tenant| of_tenants[tenant].get(round).copied()));
    }
    spread
}

/// All orders at random, none for the other list.
pub(crate) fn whole(mut arranged: Vec<Arranged>) -> (Vec<Arranged>, Vec<Arranged>) {
    Random::new(1).shuffle(&mut arranged);
    (arranged, Vec::new())
}

/// Orders that do not exist, evenly over the tenants: their refusals warm a server up without a change.
pub(crate) fn unknown() -> Vec<Arranged> {
    // Few enough to leave the tier of every token room for the calls that follow in the same second.
    (0..20 * TENANTS)
        .map(|index| Arranged {
            order_id: 1_000_000_000_000_000_000 + index as i64,
            tenant: index % TENANTS,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_in_one_list_once_and_tenants_are_spread() {
        let order = |index: usize| Arranged { order_id: index as i64, tenant: index % TENANTS };
        let (anywhere, close) = part((0..100_000).map(order).collect());
        assert_eq!((anywhere.len(), close.len()), (50_000, 50_000));
        let mut all: Vec<_> = anywhere.iter().chain(&close).map(|it| it.order_id).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100_000));
        assert!(close[..BLOCK].iter().all(|it| it.order_id > 50_000));
        for thousand in anywhere.chunks(TENANTS) {
            let mut tenants: Vec<_> = thousand.iter().map(|it| it.tenant).collect();
            tenants.sort_unstable();
            assert!(tenants.into_iter().eq(0..TENANTS));
        }
    }
}
