//! Finding a person's orders: who may, by what, how much is shown, and that every search is recorded.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::control::{
    CandidateInfo, EraseOrder, FoundOrder, Mobile, PlaceOrder, SearchCandidates, TerminateOrder,
};
use harness::{Seed, World};
use serde_json::json;

async fn place(seed: &Seed, name: &str, number: &str, application_id: &str) -> String {
    let body = PlaceOrder {
        candidate_info: CandidateInfo {
            name: name.to_owned(),
            mobile: Some(Mobile { code: "86".to_owned(), number: number.to_owned() }),
            email: Some(format!("{number}@Candidate.Example")),
            ..CandidateInfo::default()
        },
        application_id: Some(application_id.to_owned()),
        ..harness::form(&seed.account.account_id)
    };
    seed.hirer.control.place_order(&seed.hirer.tenant_key, &body).await.unwrap().order_id
}

fn by(member: &str, text: &str) -> SearchCandidates {
    serde_json::from_value(json!({ member: text })).unwrap()
}

fn ids(found: &[FoundOrder]) -> Vec<&str> {
    found.iter().map(|order| order.order_id.as_str()).collect()
}

#[tokio::test]
async fn a_privacy_officer_finds_whom_to_erase_and_erases() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant_key = &seed.hirer.tenant_key;
        place(&seed, "李四", "13900000002", "a-2").await;
        let order_id = place(&seed, "张 三", "13900000001", "a-1").await;
        let officer = world.control(&world.member_key(&seed.hirer, "privacy_officer").await);
        for body in [
            by("name", "张三"),
            by("mobile", "+86 139-0000-0001"),
            by("mobile", "13900000001"),
            by("email", "13900000001@candidate.example"),
            by("application_id", "a-1"),
            by("order_id", &order_id),
        ] {
            let page = officer.search_candidates(tenant_key, &body).await.unwrap();
            assert_eq!(ids(&page.items), [&order_id], "{:?}", body.criteria());
            let candidate = page.items[0].candidate.as_ref().unwrap();
            assert_eq!(candidate.name, "张 三");
            assert_eq!(candidate.mobile.as_deref(), Some("*******0001"));
            assert_eq!(candidate.email.as_deref(), Some("1***@Candidate.Example"));
            assert_eq!(page.items[0].application_id.as_deref(), Some("a-1"));
        }
        let nobody = officer.search_candidates(tenant_key, &by("name", "王五")).await.unwrap();
        assert!(nobody.items.is_empty() && nobody.next_cursor.is_none());

        let reason = TerminateOrder { reason: "撤回申请".to_owned() };
        seed.hirer.control.terminate_order(tenant_key, &order_id, &reason).await.unwrap();
        let body = EraseOrder { reason: "本人要求".to_owned() };
        officer.erase_order(tenant_key, &order_id, &body).await.unwrap();
        let found = officer.search_candidates(tenant_key, &by("name", "张三")).await.unwrap();
        assert!(found.items.is_empty());
        let found =
            officer.search_candidates(tenant_key, &by("order_id", &order_id)).await.unwrap();
        assert!(found.items[0].erased && found.items[0].candidate.is_none());
    })
    .await;
}

#[tokio::test]
async fn every_search_is_told_without_its_words() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant_key = &seed.hirer.tenant_key;
        let order_id = place(&seed, "张三", "13900000001", "a-1").await;
        let officer = world.control(&world.member_key(&seed.hirer, "privacy_officer").await);
        let body =
            SearchCandidates { mobile: Some("13900000001".to_owned()), ..by("name", "张三") };
        officer.search_candidates(tenant_key, &body).await.unwrap();
        officer.search_candidates(tenant_key, &by("email", "nobody@x.example")).await.unwrap();
        officer.search_candidates(tenant_key, &SearchCandidates::default()).await.unwrap_err();
        let path = format!("/api/v1/tenants/{tenant_key}/audit");
        let audit = world.request("GET", &path, &seed.hirer.key).send().await.unwrap();
        let audit = audit.text().await.unwrap();
        let reported: Vec<_> =
            audit.lines().filter(|line| line.contains("candidates_searched")).collect();
        assert_eq!(reported.len(), 2, "{audit}");
        assert!(reported[0].contains(r#""by":"name mobile""#), "{}", reported[0]);
        assert!(reported[0].contains(&format!(r#""orders":"{order_id}""#)), "{}", reported[0]);
        assert!(reported[1].contains(r#""by":"email""#) && reported[1].contains(r#""found":"0""#));
        for word in ["张三", "13900000001", "nobody"] {
            assert!(!audit.contains(word), "{word}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_of_a_search_hold_every_order_once() {
    World::each(async |world| {
        let seed = world.seed().await;
        let mut expected = Vec::new();
        for number in 0..5 {
            expected.push(place(&seed, "张三", "13900000001", &format!("a-{number}")).await);
            place(&seed, "李四", "13900000002", "b").await;
        }
        expected.reverse();
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let body = SearchCandidates { cursor, limit: Some(2), ..by("name", "张三") };
            let page = seed.hirer.control.search_candidates(&seed.hirer.tenant_key, &body).await;
            let page = page.unwrap();
            assert!(page.items.len() <= 2);
            found.extend(page.items.into_iter().map(|order| order.order_id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
        let foreign = SearchCandidates { cursor: Some("AA".to_owned()), ..by("name", "张三") };
        let control = &seed.hirer.control;
        let refused =
            control.search_candidates(&seed.hirer.tenant_key, &foreign).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().errors[0].field, "cursor");
    })
    .await;
}

#[tokio::test]
async fn only_admins_and_privacy_officers_search_and_in_their_own_tenant_alone() {
    World::each(async |world| {
        let (seed, other) = (world.seed().await, world.hirer().await);
        let tenant_key = &seed.hirer.tenant_key;
        place(&seed, "张三", "13900000001", "a-1").await;
        let body = by("name", "张三");
        for role in ["recruiter", "approver", "auditor"] {
            let control = world.control(&world.member_key(&seed.hirer, role).await);
            let refused = control.search_candidates(tenant_key, &body).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().code, "forbidden", "{role}");
        }
        let refused = world.operator.search_candidates(tenant_key, &body).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "forbidden");
        let refused = other.control.search_candidates(tenant_key, &body).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
        let found = other.control.search_candidates(&other.tenant_key, &body).await.unwrap();
        assert!(found.items.is_empty());
    })
    .await;
}
