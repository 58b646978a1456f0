//! Pages of orders: every filter finds what a look at all orders finds, and paging neither skips nor repeats while
//! orders change and are placed.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::order::State;
use domain::{AppId, Id, UnixMs};
use store::order_pages::{After, BEGINNING, OrderFilter, UnixMsRange};
use store::{Request, Store};

use crate::support::{NOW, Scene, World, accepted, list, on_both};

on_both!(
    a_page_neither_skips_nor_repeats,
    every_filter_finds_what_a_look_at_all_orders_finds,
    pages_stay_whole_while_orders_change_and_are_placed,
    a_filter_that_fits_few_looks_through_a_bounded_number,
    orders_are_found_by_their_ids,
);

async fn a_page_neither_skips_nor_repeats(world: &World) {
    let scene = world.scene(false, false).await;
    let stranger = world.scene(false, false).await;
    let mut placed = Vec::new();
    for number in 0..25 {
        placed.push(accepted(&world.store, scene.place()).await);
        if number % 3 == 0 {
            accepted(&world.store, stranger.place()).await;
        }
    }
    placed.reverse();
    for limit in [1, 4, 5, 24, 25, 26, 100] {
        let (mut seen, mut after) = (Vec::new(), Some(BEGINNING));
        while let Some(key) = after {
            let filter = OrderFilter::default();
            let page = world.store.list_orders(&scene.tenant, &filter, key, limit).await.unwrap();
            assert!(!page.orders.is_empty() && page.orders.len() <= limit as usize);
            seen.extend(page.orders.iter().map(|order| order.order_id));
            after = page.next;
            accepted(&world.store, stranger.place()).await;
        }
        assert_eq!(seen, placed, "pages of {limit}");
    }
}

const MINUTE_MS: i64 = 60_000;

fn minute(number: i64) -> UnixMs {
    NOW.plus_ms(number * MINUTE_MS)
}

/// For each scene 40 orders, one each minute, of three applications and two vendors; afterwards most of them change.
/// In the order of time, since ids never go back.
async fn orders_with_lives<const N: usize>(world: &World, scenes: [&Scene; N]) -> [Vec<Id>; N] {
    let mut ids = [const { Vec::new() }; N];
    for number in 0..40 {
        for (scene, ids) in scenes.iter().zip(&mut ids) {
            let mut index = scene.place();
            index.at = minute(number);
            let Request::Place { application_id, vendor, .. } = &mut index.request else {
                unreachable!()
            };
            *application_id = APPLICATIONS[number as usize % 3].to_owned();
            *vendor = AppId(77 + number % 2);
            ids.push(accepted(&world.store, index).await);
        }
    }
    for number in 0..40 {
        for (scene, ids) in scenes.iter().zip(&ids) {
            let own = Scene { app_id: AppId(77 + number % 2), tenant: Arc::clone(&scene.tenant) };
            let order_id = ids[number as usize];
            let changes = match number % 5 {
                0 => vec![own.progress(order_id, "s1", 100)],
                1 => vec![own.result(order_id, "绿灯"), own.approve(order_id)],
                2 => vec![own.terminate(order_id, "x")],
                3 => vec![own.result(order_id, "红灯"), own.reject(order_id, "x")],
                _ => vec![],
            };
            for mut command in changes {
                command.at = minute(40 + number / 2);
                accepted(&world.store, command).await;
            }
        }
    }
    ids
}

const APPLICATIONS: [&str; 3] = ["a-1", "a-2", ""];

async fn every_filter_finds_what_a_look_at_all_orders_finds(world: &World) {
    let scene = world.scene(true, false).await;
    let stranger = world.scene(true, false).await;
    let [_, ids] = orders_with_lives(world, [&stranger, &scene]).await;
    let mut all = Vec::new();
    for id in ids.iter().rev() {
        all.push(world.store.find_order(&scene.tenant, *id).await.unwrap().unwrap());
    }
    let open = UnixMsRange::default();
    let from = |number| UnixMsRange { start: Some(minute(number)), end: None };
    let to = |number| UnixMsRange { start: None, end: Some(minute(number)) };
    let within = |start, end| UnixMsRange { start: Some(minute(start)), end: Some(minute(end)) };
    let stretches = [
        open,
        from(0),
        from(20),
        from(45),
        to(20),
        to(50),
        within(10, 45),
        within(45, 50),
        within(55, 55),
    ];
    let (mut filters, mut found_by) = (0, HashSet::new());
    use State::{Arranged, InReview, Rejected, Terminated};
    let states: [&[State]; 5] =
        [&[], &[Arranged], &[Rejected, InReview], &[Terminated], &[Rejected, Terminated]];
    for states in states {
        for vendor in [None, Some(AppId(78))] {
            for application_id in [None, Some("a-1"), Some("a-9")] {
                for placed in stretches {
                    for updated in stretches {
                        let filter = OrderFilter {
                            states: states.to_vec(),
                            vendor,
                            application_id: application_id.map(str::to_owned),
                            placed,
                            updated,
                            ..OrderFilter::default()
                        };
                        let fits = |stretch: UnixMsRange, at: UnixMs| {
                            stretch.start.is_none_or(|start| start <= at)
                                && stretch.end.is_none_or(|end| at <= end)
                        };
                        let expected = all.iter().filter(|order| {
                            let summary = &order.summary;
                            (states.is_empty() || states.contains(&summary.state))
                                && vendor.is_none_or(|vendor| vendor == summary.app_id)
                                && application_id.is_none_or(|id| id == application_of(order, &ids))
                                && fits(placed, summary.order_id.made_at())
                                && fits(updated, summary.updated_at)
                        });
                        let mut expected: Vec<_> =
                            expected.map(|order| order.summary.order_id).collect();
                        let mut found = list(&world.store, &scene.tenant, &filter).await;
                        if application_id.is_some() || updated.start.is_none() {
                            assert_eq!(found, expected, "{filter:?}");
                        }
                        // Those that changed since a stretch began come behind those placed since.
                        found.sort_unstable();
                        expected.sort_unstable();
                        assert_eq!(found, expected, "{filter:?}");
                        filters += 1;
                        found_by.insert(found);
                    }
                }
            }
        }
    }
    assert!(filters > 1_900 && found_by.len() > 100, "{filters}, {}", found_by.len());
}

/// The forms of these orders do not say, so by when it was placed.
fn application_of(order: &store::orders::Order, ids: &[Id]) -> &'static str {
    let number = ids.iter().position(|id| *id == order.summary.order_id).unwrap();
    APPLICATIONS[number % 3]
}

async fn pages_stay_whole_while_orders_change_and_are_placed(world: &World) {
    let scene = world.scene(false, false).await;
    let mut known = Vec::new();
    for _ in 0..60 {
        known.push(accepted(&world.store, scene.place()).await);
    }
    // Half of them changed since; the others are placed before and changed while pages are read.
    let since = NOW.plus_ms(MINUTE_MS);
    for order_id in known.iter().step_by(2) {
        let mut progress = scene.progress(*order_id, "s0", 1);
        progress.at = since;
        accepted(&world.store, progress).await;
    }
    let (is_over, changes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let changing = (0..4).map(|index| {
        let (store, scene, known) = (Arc::clone(&world.store), scene.clone(), known.clone());
        let (is_over, changes) = (Arc::clone(&is_over), Arc::clone(&changes));
        tokio::spawn(async move { change(&store, &scene, &known, index, &is_over, &changes).await })
    });
    let changing: Vec<_> = changing.collect();
    let mut round = 0;
    while round < 6 || changes.load(Ordering::SeqCst) < 200 {
        round += 1;
        for updated in [None, Some(since)] {
            let filter = OrderFilter {
                updated: UnixMsRange { start: updated, end: None },
                ..OrderFilter::default()
            };
            let found = list(&world.store, &scene.tenant, &filter).await;
            let once: HashSet<_> = found.iter().collect();
            assert_eq!(once.len(), found.len(), "round {round}: an order came twice");
            let must = known.iter().step_by(if updated.is_some() { 2 } else { 1 });
            let missing: Vec<_> = must.filter(|id| !once.contains(id)).collect();
            assert!(missing.is_empty(), "round {round}, since {updated:?}: {missing:?}");
        }
    }
    is_over.store(true, Ordering::SeqCst);
    for task in changing {
        task.await.unwrap();
    }
}

/// Changes the known orders and places new ones until it is over.
async fn change(
    store: &Store,
    scene: &Scene,
    known: &[Id],
    index: usize,
    is_over: &AtomicBool,
    changes: &AtomicUsize,
) {
    let mut number = 0;
    while !is_over.load(Ordering::SeqCst) {
        let at = NOW.plus_ms(2 * MINUTE_MS + number as i64);
        // Each task has orders of its own, so that stages come in the order of their times.
        let order_id = known[(number * 4 + index) % known.len()];
        let stage_id = format!("s-{index}-{number}");
        let mut progress = scene.progress(order_id, &stage_id, 10 + number as i64);
        progress.at = at;
        accepted(store, progress).await;
        let mut new = scene.place();
        new.at = at;
        accepted(store, new).await;
        number += 1;
        changes.fetch_add(2, Ordering::SeqCst);
    }
}

async fn a_filter_that_fits_few_looks_through_a_bounded_number(world: &World) {
    let scene = world.scene(false, false).await;
    // One order that was canceled, then many that were not.
    let canceled = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.cancel(canceled)).await;
    let indexes = (0..26_000).map(|_| world.store.command(scene.place()));
    let mut placing = futures_util::stream::iter(indexes);
    let mut placing =
        std::pin::pin!(futures_util::StreamExt::buffer_unordered(&mut placing, 2_000));
    while let Some(outcome) = futures_util::StreamExt::next(&mut placing).await {
        outcome.unwrap();
    }
    let filter = OrderFilter { states: vec![State::Terminated], ..OrderFilter::default() };
    let first = world.store.list_orders(&scene.tenant, &filter, BEGINNING, 10).await.unwrap();
    assert_eq!(first.orders, []);
    let Some(after @ After::Order(_)) = first.next else { panic!("expected a next page") };
    let second = world.store.list_orders(&scene.tenant, &filter, after, 10).await.unwrap();
    let found: Vec<_> = second.orders.iter().map(|order| order.order_id).collect();
    assert_eq!((found, second.next), (vec![canceled], None));
    // Without a filter that fits few, a page is full at once.
    let filter = OrderFilter::default();
    let page = world.store.list_orders(&scene.tenant, &filter, BEGINNING, 100).await.unwrap();
    assert_eq!(page.orders.len(), 100);
}

async fn orders_are_found_by_their_ids(world: &World) {
    let scene = world.scene(false, false).await;
    let stranger = world.scene(false, false).await;
    let one = accepted(&world.store, scene.place()).await;
    let other = accepted(&world.store, scene.place()).await;
    let foreign = accepted(&world.store, stranger.place()).await;
    let asked = [one, foreign, other, Id(1), one];
    let found = world.store.find_orders(&scene.tenant, None, &asked).await.unwrap();
    let found: Vec<_> = found.iter().map(|order| order.order_id).collect();
    assert_eq!(found, [other, one]);
    let found = world.store.find_orders(&scene.tenant, Some(AppId(1)), &asked).await.unwrap();
    assert_eq!(found, []);
}
