//! Finding a person's orders by what was sealed about the person.

use domain::Id;
use domain::candidate::Wanted;
use store::candidates::{CandidateSearch, FoundOrders};
use store::content::{self, Form, Person};
use store::erasing::Why;
use store::{OrderCommand, Request};

use crate::support::*;

on_both!(
    a_person_is_found_by_each_of_its_marks,
    pages_go_on_until_everything_was_looked_through,
    an_erased_order_is_found_by_its_number_alone,
    other_tenants_persons_are_not_found,
);

fn person(number: usize) -> Person {
    Person {
        name: format!("候选人{number}"),
        mobile_code: "86".into(),
        mobile_number: format!("1390000{number:04}"),
        email: format!("c{number}@candidate.example"),
        ..Person::default()
    }
}

async fn place(world: &World, scene: &Scene, number: usize) -> Id {
    let form = Form {
        candidate: person(number),
        application_id: format!("application-{number}"),
        ..form()
    };
    let request = Request::Place {
        vendor: scene.app_id,
        account_id: Id(5),
        package_id: "pkg-1".into(),
        application_id: form.application_id.clone(),
        content: content::to_text(&form),
    };
    accepted(&world.store, OrderCommand { request, ..scene.place() }).await
}

async fn search(world: &World, scene: &Scene, search: &CandidateSearch) -> FoundOrders {
    world.store.search_candidates(&scene.tenant, search, END, 50).await.unwrap()
}

fn by(name: Option<&str>, mobile: Option<&str>, email: Option<&str>) -> CandidateSearch {
    CandidateSearch { wanted: Wanted::new(name, mobile, email), ..CandidateSearch::default() }
}

fn ids(found: &FoundOrders) -> Vec<Id> {
    found.orders.iter().map(|order| order.summary.order_id).collect()
}

async fn a_person_is_found_by_each_of_its_marks(world: &World) {
    let scene = world.scene(false, false).await;
    let mut orders = Vec::new();
    for number in 0..5 {
        orders.push(place(world, &scene, number).await);
    }
    let again = place(world, &scene, 3).await;
    let both = vec![again, orders[3]];
    for (what, wanted) in [
        ("name", by(Some("候选人 3"), None, None)),
        ("mobile", by(None, Some("+86 139-0000-0003"), None)),
        ("email", by(None, None, Some("C3@Candidate.Example"))),
        (
            "application",
            CandidateSearch { application_id: Some("application-3".into()), ..Default::default() },
        ),
    ] {
        assert_eq!(ids(&search(world, &scene, &wanted).await), both, "{what}");
    }
    let only = CandidateSearch { order_id: Some(orders[3]), ..by(Some("候选人3"), None, None) };
    assert_eq!(ids(&search(world, &scene, &only).await), [orders[3]]);
    let other = CandidateSearch { order_id: Some(orders[2]), ..only };
    assert!(ids(&search(world, &scene, &other).await).is_empty(), "all of it must fit");
}

async fn pages_go_on_until_everything_was_looked_through(world: &World) {
    let scene = world.scene(false, false).await;
    for _ in 0..7 {
        place(world, &scene, 1).await;
        place(world, &scene, 2).await;
    }
    let wanted = by(Some("候选人1"), None, None);
    let (mut seen, mut before) = (Vec::new(), END);
    loop {
        let page = world.store.search_candidates(&scene.tenant, &wanted, before, 3).await.unwrap();
        assert!(page.orders.len() <= 3);
        seen.extend(ids(&page));
        let Some(next) = page.next else { break };
        before = next;
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|one, next| one > next), "newest first, each once");
}

async fn an_erased_order_is_found_by_its_number_alone(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = place(world, &scene, 1).await;
    accepted(&world.store, scene.terminate(order_id, "不再需要")).await;
    let why = Why::Hand("本人要求".into());
    world.store.erase_order(BY, &scene.tenant, order_id, &why).await.unwrap().unwrap();
    let only = CandidateSearch { order_id: Some(order_id), ..CandidateSearch::default() };
    let found = search(world, &scene, &only).await;
    assert_eq!(ids(&found), [order_id]);
    assert!(found.orders[0].form.is_none() && found.orders[0].summary.is_erased);
    for wanted in [by(Some("候选人1"), None, None), by(None, Some("13900000001"), None)] {
        assert!(ids(&search(world, &scene, &wanted).await).is_empty());
        let named = CandidateSearch { order_id: Some(order_id), ..wanted };
        assert!(ids(&search(world, &scene, &named).await).is_empty());
    }
}

async fn other_tenants_persons_are_not_found(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let order_id = place(world, &scene, 1).await;
    let wanted = by(Some("候选人1"), None, None);
    assert_eq!(ids(&search(world, &scene, &wanted).await), [order_id]);
    assert!(ids(&search(world, &other, &wanted).await).is_empty());
    let only = CandidateSearch { order_id: Some(order_id), ..CandidateSearch::default() };
    assert!(ids(&search(world, &other, &only).await).is_empty());
}
