//! Pages of the hirer's order queries: as long as asked, whole while orders change and are placed.
//! Source: contract, section 4.

mod harness;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::queries::{batch, ids, list};
use harness::{BEGIN, World};
use serde_json::json;

#[tokio::test]
async fn pages_are_ten_long_or_as_long_as_asked_and_go_on_where_they_ended() {
    World::each(async |world| {
        let seed = world.seed().await;
        let mut orders = Vec::new();
        for _ in 0..23 {
            orders.insert(0, world.place(&seed).await.order_id);
        }
        let caller = world.caller(&seed.app).await;
        for (page_size, sizes) in [
            ("", vec![10, 10, 3]),
            ("page_size=23", vec![23]),
            ("page_size=100", vec![23]),
            ("page_size=8", vec![8, 8, 7]),
        ] {
            let (mut seen, mut lengths, mut page_token) = (Vec::new(), Vec::new(), String::new());
            loop {
                let query = format!("?{page_size}&page_token={page_token}");
                let data = match lengths.len() % 2 {
                    0 => list(&caller, &query).await,
                    // Both calls understand each other's tokens.
                    _ => batch(&caller, &query, &json!({})).await,
                };
                lengths.push(ids(&data).len());
                seen.extend(ids(&data));
                assert_eq!(data["has_more"], data.get("page_token").is_some(), "{data}");
                let Some(next) = data["page_token"].as_str() else { break };
                page_token = next.to_owned();
            }
            assert_eq!((&seen, &lengths), (&orders, &sizes), "{page_size}");
        }
        // Ids have pages too.
        let body = json!({"background_check_order_id_list": orders[..20]});
        let first = batch(&caller, "", &body).await;
        assert_eq!((ids(&first), &first["has_more"]), (orders[..10].to_vec(), &json!(true)));
        let query = format!("?page_token={}", first["page_token"].as_str().unwrap());
        let second = batch(&caller, &query, &body).await;
        assert_eq!((ids(&second), &second["has_more"]), (orders[10..20].to_vec(), &json!(false)));
    })
    .await;
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_others_change_and_place_orders() {
    World::each(async |world| {
        let seed = world.seed().await;
        let mut known = HashSet::new();
        for _ in 0..30 {
            known.insert(world.place(&seed).await.order_id);
        }
        let caller = world.caller(&seed.app).await;
        let is_over = AtomicBool::new(false);
        let reading = async {
            let since = BEGIN.0.to_string();
            for round in 0..4 {
                for filter in [json!({}), json!({"update_start_time": since})] {
                    let (mut seen, mut page_token) = (Vec::new(), String::new());
                    loop {
                        let query = format!("?page_size=7&page_token={page_token}");
                        let data = batch(&caller, &query, &filter).await;
                        seen.extend(ids(&data));
                        let Some(next) = data["page_token"].as_str() else { break };
                        page_token = next.to_owned();
                    }
                    let once: HashSet<_> = seen.iter().cloned().collect();
                    assert_eq!(once.len(), seen.len(), "round {round}: an order came twice");
                    let missing: Vec<_> = known.difference(&once).collect();
                    assert!(missing.is_empty(), "round {round}, {filter}: {missing:?}");
                }
            }
            is_over.store(true, Ordering::SeqCst);
        };
        let changing = async {
            let mut left = known.iter().cycle();
            let mut number = 0;
            while !is_over.load(Ordering::SeqCst) {
                number += 1;
                let body = json!({
                    "background_check_id": left.next().unwrap(),
                    "stage_id": format!("s{number}"),
                    "stage_name": "阶段",
                    "stage_time": (BEGIN.0 + number).to_string(),
                });
                assert_eq!(
                    caller.post("update_progress", body.to_string()).await.outcome(),
                    "200 0 success"
                );
            }
            assert!(number > 5);
        };
        let placing = async {
            while !is_over.load(Ordering::SeqCst) {
                world.place(&seed).await;
            }
        };
        tokio::join!(reading, changing, placing);
    })
    .await;
}
