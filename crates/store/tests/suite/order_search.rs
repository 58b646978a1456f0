//! Orders found by what somebody typed: by every part of what they hold, never by another tenant, never once they are erased; and
//! the orders of before the index, which get their terms by and by.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::search::Query;
use domain::{ActorId, Id, TenantId, UnixMs};
use store::content::{self, Form, Person};
use store::erasing::Why;
use store::order_pages::{After, BEGINNING, OrderFilter};
use store::order_terms::BackfillStep;
use store::{OrderCommand, Request, Store};

use crate::support::*;

on_both!(
    an_order_is_found_by_what_it_holds,
    the_index_tells_no_name,
    other_tenants_orders_are_not_found,
    an_erased_order_is_found_by_its_number_alone,
    several_words_and_filters_must_all_fit,
    pages_go_on_where_the_last_one_ended,
    two_common_terms_end_within_bounds,
    orders_of_before_get_their_terms,
    a_backfill_that_is_broken_off_goes_on,
    orders_that_are_erased_meanwhile_get_no_terms,
);

const DAY_MS: i64 = 86_400_000;

fn person(name: &str, number: usize) -> Person {
    Person {
        name: name.into(),
        mobile_code: "86".into(),
        mobile_number: format!("1390000{number:04}"),
        email: format!("c{number}@candidate.example"),
        ..Person::default()
    }
}

fn placing(scene: &Scene, name: &str, number: usize) -> OrderCommand {
    let form =
        Form { candidate: person(name, number), application_id: format!("app-{number}"), ..form() };
    let request = Request::Place {
        vendor: scene.app_id,
        account_id: Id(5),
        package_id: if number.is_multiple_of(2) { "pkg-1" } else { "pkg-2" }.into(),
        application_id: form.application_id.clone(),
        content: content::to_text(&form),
    };
    OrderCommand { request, ..scene.place() }
}

async fn place(world: &World, scene: &Scene, name: &str, number: usize) -> Id {
    accepted(&world.store, placing(scene, name, number)).await
}

fn of(typed: &str) -> OrderFilter {
    OrderFilter { query: Query::new(typed), ..OrderFilter::default() }
}

async fn found(store: &Store, scene: &Scene, typed: &str) -> Vec<Id> {
    list(store, &scene.tenant, &of(typed)).await
}

async fn an_order_is_found_by_what_it_holds(world: &World) {
    let scene = world.scene(false, false).await;
    let zhang = place(world, &scene, "张小鱼", 1).await;
    let other = place(world, &scene, "张三", 2).await;
    let zoe = place(world, &scene, "Zoë Müller", 3).await;
    for (typed, expected) in [
        ("张", vec![other, zhang]),
        ("小鱼", vec![zhang]),
        ("张小鱼", vec![zhang]),
        ("鱼小", vec![]),
        ("zoe", vec![zoe]),
        ("mull", vec![zoe]),
        ("MÜLLER zoë", vec![zoe]),
        ("ueller", vec![]),
        ("139 0000 0001", vec![zhang]),
        ("+8613900000002", vec![other]),
        ("C3@candidate.example", vec![zoe]),
        ("app-2", vec![other]),
        ("app", vec![zoe, other, zhang]),
        (&zhang.to_string(), vec![zhang]),
        (&format!("张 {zhang}"), vec![zhang]),
        (&format!("三 {zhang}"), vec![]),
        (&Id(zhang.0 ^ (1 << 40)).to_string(), vec![]),
        ("王", vec![]),
    ] {
        assert_eq!(found(&world.store, &scene, typed).await, expected, "{typed:?}");
    }
}

async fn the_index_tells_no_name(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let one = place(world, &scene, "张三", 1).await;
    let two = place(world, &other, "张三", 1).await;
    let terms = async |order_id: Id| {
        let sql = format!("SELECT term FROM order_terms WHERE order_id = {}", order_id.0);
        world.raw(&sql).await.into_iter().flatten().collect::<BTreeSet<_>>()
    };
    let (one, two) = (terms(one).await, terms(two).await);
    // 张, 三, 张三, the number, the address, two words of the application.
    assert_eq!((one.len(), two.len()), (7, 7));
    assert!(one.is_disjoint(&two), "each tenant has a key of its own");
}

async fn other_tenants_orders_are_not_found(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let order_id = place(world, &scene, "张三", 1).await;
    for typed in ["张三", "13900000001", "app-1", &order_id.to_string()] {
        assert_eq!(found(&world.store, &scene, typed).await, [order_id]);
        assert!(found(&world.store, &other, typed).await.is_empty(), "{typed}");
    }
}

async fn an_erased_order_is_found_by_its_number_alone(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = place(world, &scene, "张三", 1).await;
    let stays = place(world, &scene, "张三", 2).await;
    accepted(&world.store, scene.terminate(order_id, "不再需要")).await;
    let why = Why::Hand("本人要求".into());
    world.store.erase_order(BY, &scene.tenant, order_id, &why).await.unwrap().unwrap();
    let left = format!("SELECT count(*) FROM order_terms WHERE order_id = {}", order_id.0);
    assert_eq!(world.number(&left).await, 0);
    assert_eq!(found(&world.store, &scene, "张三").await, [stays]);
    assert_eq!(found(&world.store, &scene, "app-1").await, []);
    assert_eq!(found(&world.store, &scene, &order_id.to_string()).await, [order_id]);
    let with_name = format!("张三 {order_id}");
    assert_eq!(found(&world.store, &scene, &with_name).await, []);
}

async fn several_words_and_filters_must_all_fit(world: &World) {
    let scene = world.scene(false, false).await;
    let mut placed = Vec::new();
    for number in 0..12 {
        let name = if number % 3 == 0 { "张三" } else { "李四" };
        placed.push(place(world, &scene, name, number).await);
    }
    assert_eq!(found(&world.store, &scene, "张 13900000006").await, [placed[6]]);
    assert!(found(&world.store, &scene, "李 13900000006").await.is_empty());
    let package = OrderFilter { package: Some("pkg-2".into()), ..of("张三") };
    assert_eq!(list(&world.store, &scene.tenant, &package).await, [placed[9], placed[3]]);
    let nobody = OrderFilter { placed_by: Some(Id(99)), ..of("张三") };
    assert!(list(&world.store, &scene.tenant, &nobody).await.is_empty());
    let account = OrderFilter { account: Some(Id(6)), ..of("张三") };
    assert!(list(&world.store, &scene.tenant, &account).await.is_empty());
}

async fn pages_go_on_where_the_last_one_ended(world: &World) {
    let scene = world.scene(false, false).await;
    let mut placed = Vec::new();
    for number in 0..20 {
        // Every other one has the pairs of the wanted name, but not the name.
        let name = if number % 2 == 0 { "小鱼张小" } else { "张小鱼" };
        placed.push(place(world, &scene, name, number).await);
    }
    let expected: Vec<_> = placed.into_iter().skip(1).step_by(2).rev().collect();
    for limit in [1, 3, 9, 10, 11, 50] {
        let (mut seen, mut after) = (Vec::new(), Some(BEGINNING));
        while let Some(key) = after {
            let page = world.store.list_orders(&scene.tenant, &of("张小鱼"), key, limit).await;
            let page = page.unwrap();
            assert!(page.orders.len() <= limit as usize);
            seen.extend(page.orders.iter().map(|order| order.order_id));
            after = page.next;
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

/// No order has both: the search ends page by page, and none of them looks through all.
async fn two_common_terms_end_within_bounds(world: &World) {
    let scene = world.scene(false, false).await;
    let commands = (0..24_000)
        .map(|number| placing(&scene, if number % 2 == 0 { "张三" } else { "李四" }, number));
    let placing = commands.map(|command| world.store.command(command));
    let mut placing = std::pin::pin!(futures_util::StreamExt::buffer_unordered(
        futures_util::stream::iter(placing),
        2_000
    ));
    while let Some(outcome) = futures_util::StreamExt::next(&mut placing).await {
        outcome.unwrap();
    }
    let both = place(world, &scene, "张李", 1).await;
    let (mut pages, mut seen, mut after) = (0, Vec::new(), Some(BEGINNING));
    while let Some(key) = after {
        let page = world.store.list_orders(&scene.tenant, &of("张 李"), key, 10).await.unwrap();
        seen.extend(page.orders.iter().map(|order| order.order_id));
        after = page.next;
        pages += 1;
    }
    assert_eq!((seen, pages), (vec![both], 1), "12,000 are below the bound of one page");
}

/// As a version left it that knew no terms.
async fn forget_terms(world: &World) {
    for sql in [
        "DELETE FROM order_terms",
        "DELETE FROM term_backfills",
        "INSERT INTO term_backfills (tenant_id, order_id) SELECT tenant_id, 0 FROM tenants",
    ] {
        world.raw(sql).await;
    }
}

/// Steps of all back-fills until each waits or has ended; how many there were.
async fn back_fill(store: &Store, now: UnixMs) -> usize {
    let mut steps = 0;
    for mut backfill in store.list_backfills(TenantId(i64::MIN), 100).await.unwrap() {
        let tenant = store.find_tenant(backfill.tenant_id).await.unwrap().unwrap();
        loop {
            steps += 1;
            match store.step_backfill(&tenant, backfill, now).await.unwrap() {
                BackfillStep::GoesOn(next) => backfill = next,
                BackfillStep::Waits | BackfillStep::Ended => break,
            }
        }
    }
    steps
}

async fn terms(world: &World) -> Vec<Vec<Vec<u8>>> {
    world
        .raw("SELECT tenant_id, term, order_id FROM order_terms ORDER BY tenant_id, term, order_id")
        .await
}

async fn orders_of_before_get_their_terms(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    for number in 0..250 {
        place(world, &scene, "张三", number).await;
    }
    place(world, &other, "李四", 1).await;
    let before = terms(world).await;
    forget_terms(world).await;
    assert!(found(&world.store, &scene, "张三").await.is_empty());
    assert_eq!(back_fill(&world.store, NOW).await, 3 + 1);
    assert_eq!(terms(world).await, before);
    assert_eq!(found(&world.store, &scene, "张三").await.len(), 250);
    // A program of the version before places another one.
    let late = place(world, &scene, "王五", 1).await;
    world.raw(&format!("DELETE FROM order_terms WHERE order_id = {}", late.0)).await;
    assert!(found(&world.store, &scene, "王五").await.is_empty());
    back_fill(&world.store, NOW.plus_ms(1)).await;
    assert_eq!(found(&world.store, &scene, "王五").await, [late]);
    // After a day there is nothing to do any more.
    assert_eq!(back_fill(&world.store, NOW.plus_ms(DAY_MS)).await, 2);
    assert_eq!(world.store.list_backfills(TenantId(i64::MIN), 100).await.unwrap(), []);
}

async fn a_backfill_that_is_broken_off_goes_on(world: &World) {
    let scene = world.scene(false, false).await;
    for number in 0..250 {
        place(world, &scene, "张三", number).await;
    }
    let before = terms(world).await;
    forget_terms(world).await;
    let begun = world.store.list_backfills(TenantId(i64::MIN), 1).await.unwrap()[0];
    world.store.step_backfill(&scene.tenant, begun, NOW).await.unwrap();
    assert_eq!(found(&world.store, &scene, "张三").await.len(), 100);
    // The same step once more, as by another process; then whatever the next process finds.
    world.store.step_backfill(&scene.tenant, begun, NOW).await.unwrap();
    let replica = world.replica().await;
    assert_eq!(back_fill(&replica, NOW).await, 2);
    assert_eq!(found(&replica, &scene, "张三").await.len(), 250);
    if !world.is_sqlite() {
        assert_eq!(terms(world).await, before);
    }
}

async fn orders_that_are_erased_meanwhile_get_no_terms(world: &World) {
    let scene = world.scene(false, false).await;
    let mut orders = Vec::new();
    for number in 0..120 {
        let order_id = place(world, &scene, "张三", number).await;
        accepted(&world.store, scene.terminate(order_id, "x")).await;
        orders.push(order_id);
    }
    forget_terms(world).await;
    let filling = {
        let store = Arc::clone(&world.store);
        tokio::spawn(async move { back_fill(&store, NOW).await })
    };
    let why = Why::Hand("本人要求".into());
    for order_id in &orders {
        world.store.erase_order(BY, &scene.tenant, *order_id, &why).await.unwrap().unwrap();
    }
    let late = place(world, &scene, "张三", 1).await;
    filling.await.unwrap();
    back_fill(&world.store, NOW).await;
    let left = "SELECT count(*) FROM order_terms t JOIN orders o ON o.order_id = t.order_id \
                WHERE length(o.wrapped_key) = 0";
    assert_eq!(world.number(left).await, 0);
    assert_eq!(found(&world.store, &scene, "张三").await, [late]);
}

/// What a line shows is the newest of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_shows_the_newest() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(true, false).await;
        let order_id = place(world, &scene, "张三", 1).await;
        for (number, stage_id) in ["one", "two"].into_iter().enumerate() {
            let time_ms = i64::try_from(number).unwrap() + 1;
            accepted(&world.store, scene.progress(order_id, stage_id, time_ms)).await;
        }
        for text in ["红灯", "绿灯"] {
            accepted(&world.store, scene.result(order_id, text)).await;
            accepted(&world.store, scene.reject(order_id, "不全")).await;
        }
        let lines = world.store.list_order_lines(&scene.tenant, &[Id(1), order_id]).await.unwrap();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.candidate_name.as_str(), line.application_id.as_str()), ("张三", "app-1"));
        assert_eq!(line.stage.as_ref().unwrap().stage_id, "two");
        assert_eq!((line.result.as_ref().unwrap().result.as_str(), line.result_count), ("绿灯", 2));
        assert_eq!(line.changed_by, ActorId { ..APPROVER.id });
        let after = After::Order(order_id);
        let page = world.store.list_orders(&scene.tenant, &of("张三"), after, 5).await.unwrap();
        assert_eq!((page.orders, page.next), (vec![], None));
    })
    .await;
}
