//! Signed links over the wire: a report for whoever holds the address, for one hour, and nothing else.
//! Source: contract, section 4.3 and question 37.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::check::ReportUrlType;
use domain::Id;
use harness::World;
use harness::filed::{CONTENT, Filed};
use hub::links::{LinkKind, Linked};
use reqwest::Response;
use store::reports::FetchOutcome;

fn link(filed: &Filed<'_>) -> String {
    let order_id: Id = filed.order_id.parse().unwrap();
    let linked = Linked {
        kind: LinkKind::Report,
        tenant_id: filed.seed.hirer.tenant_id,
        order_id,
        object_id: filed.report.report_id.parse().unwrap(),
        holder: filed.world.holder(&filed.seed.app),
    };
    filed.world.app.hub.links.make(&linked, filed.world.clock.now())
}

async fn get(world: &World, url: &str) -> Response {
    world.http.get(url).send().await.unwrap()
}

async fn refused(world: &World, url: &str) -> (u16, String) {
    let answer = get(world, url).await;
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

const NOT_FOUND: &str = "expected a link of this server";

#[tokio::test]
async fn a_link_gives_its_report_for_one_hour() {
    World::each(async |world| {
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let url = link(&filed);
        assert!(url.starts_with(&format!("{}/content/", world.server())), "{url}");
        let answer = get(&world, &url).await;
        assert_eq!(answer.status(), 200);
        for (name, expected) in [
            ("content-type", "application/pdf"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox"),
            ("referrer-policy", "no-referrer"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(answer.headers()[name], expected, "{name}");
        }
        assert!(
            answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment")
        );
        assert_eq!(answer.bytes().await.unwrap(), CONTENT);

        let part = world.http.get(&url).header("range", "bytes=0-3").send().await.unwrap();
        assert_eq!(
            (part.status().as_u16(), &part.headers()["content-range"]),
            (206, &"bytes 0-3/19".parse().unwrap())
        );
        assert_eq!(part.bytes().await.unwrap(), &CONTENT[..4]);
        let outside = world.http.get(&url).header("range", "bytes=19-").send().await.unwrap();
        assert_eq!(
            (outside.status().as_u16(), &outside.headers()["content-range"]),
            (416, &"bytes */19".parse().unwrap())
        );

        world.clock.advance_ms(3_599_000);
        assert_eq!(get(&world, &url).await.status(), 200);
        world.clock.advance_ms(1_000);
        let expected = "the link is older than one hour: ask for a new one where it came from";
        assert_eq!(refused(&world, &url).await, (403, expected.to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_altered_gives_nothing() {
    World::each(async |world| {
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let url = link(&filed);
        let (path, signed) = url.rsplit_once('/').unwrap();
        for place in [0, 2, 11, 23, 30, 36, 45, 59] {
            let mut altered = signed.to_owned().into_bytes();
            altered[place] = if altered[place] == b'x' { b'y' } else { b'x' };
            let altered = String::from_utf8(altered).unwrap();
            let url = format!("{path}/{altered}");
            assert_eq!(refused(&world, &url).await, (404, NOT_FOUND.to_owned()), "{place}");
        }
        for signed in [&signed[..59], "x", "%00", &"A".repeat(60), &"A".repeat(5_000)] {
            let url = format!("{path}/{signed}");
            assert_eq!(refused(&world, &url).await, (404, NOT_FOUND.to_owned()), "{signed}");
        }
        assert_eq!(world.http.post(&url).send().await.unwrap().status(), 405);
    })
    .await;
}

#[tokio::test]
async fn a_link_to_what_is_not_kept_gives_nothing() {
    World::each(async |world| {
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        assert_eq!(refused(&world, &link(&filed)).await, (404, NOT_FOUND.to_owned()), "pending");
        filed
            .finish(FetchOutcome::Failed { reason: "answered 404".to_owned(), is_refused: false })
            .await;
        assert_eq!(refused(&world, &link(&filed)).await, (404, NOT_FOUND.to_owned()), "failed");
        let linked = Filed::new(&world, ReportUrlType::Preview).await;
        assert_eq!(refused(&world, &link(&linked)).await, (404, NOT_FOUND.to_owned()), "linked");
        // A report of one order does not come by another one's id.
        let other = Linked {
            kind: LinkKind::Report,
            tenant_id: linked.seed.hirer.tenant_id,
            order_id: filed.order_id.parse().unwrap(),
            object_id: linked.report.report_id.parse().unwrap(),
            holder: world.holder(&linked.seed.app),
        };
        let url = world.app.hub.links.make(&other, world.clock.now());
        assert_eq!(refused(&world, &url).await, (404, NOT_FOUND.to_owned()));
        // Nor one of another tenant, whole as it is.
        let mut stored = Filed::new(&world, ReportUrlType::Download).await;
        stored.store().await;
        let other = Linked {
            kind: LinkKind::Report,
            tenant_id: filed.seed.hirer.tenant_id,
            order_id: stored.order_id.parse().unwrap(),
            object_id: stored.report.report_id.parse().unwrap(),
            holder: world.holder(&filed.seed.app),
        };
        let url = world.app.hub.links.make(&other, world.clock.now());
        assert_eq!(refused(&world, &url).await, (404, NOT_FOUND.to_owned()));
    })
    .await;
}
