//! The end of `demo --once`: what the API says of every order, report and event, against what was played.

use anyhow::ensure;
use contract::control::{
    DeliveryState, List, ListEvents, ListOrders, Order, OrderState, ReportKind, TimelineAction,
};

use super::asked_until;
use super::scenario::{Actors, Hirer, Served, fetch_report};
use super::transcript::Transcript;
use crate::output::wire_name;

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: &T, got: &T) {
        if expected != got {
            self.0.push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    }
}

/// How an order ends in the transcript.
struct End<'a> {
    hirer: &'a Hirer,
    order_id: &'a str,
    state: OrderState,
    conclusion: Option<&'a str>,
    actions: &'a [TimelineAction],
    served: Option<&'a Served>,
}

pub(super) async fn check(transcript: &Transcript, actors: &Actors) -> anyhow::Result<()> {
    use TimelineAction::{Approved, Placed, Progress, Result};

    transcript.heading("Checked through the API");
    let ends = [
        End {
            hirer: &actors.direct,
            order_id: &actors.completed.order_id,
            state: OrderState::Completed,
            conclusion: Some("绿灯"),
            actions: &[Placed, Progress, Result],
            served: Some(&actors.completed),
        },
        End {
            hirer: &actors.reviewing,
            order_id: &actors.in_review.order_id,
            state: OrderState::Completed,
            conclusion: Some("蓝灯"),
            actions: &[Placed, Progress, Result, Approved],
            served: Some(&actors.in_review),
        },
        End {
            hirer: &actors.direct,
            order_id: &actors.arranged,
            state: OrderState::Arranged,
            conclusion: None,
            actions: &[Placed],
            served: None,
        },
    ];
    let mut differences = Differences::default();
    for end in &ends {
        let found = check_order(end).await?;
        if found.0.is_empty() {
            let report = if end.served.is_some() { ", report as served" } else { "" };
            transcript.checked(&format!(
                "order {} {}{report}",
                end.order_id,
                wire_name(&end.state)
            ));
        }
        differences.0.extend(found.0);
    }
    for (hirer, order_count) in [(&actors.direct, 2), (&actors.reviewing, 1)] {
        let found = check_hirer(hirer, order_count).await?;
        if found.0.is_empty() {
            let text = "account and orders told, every event delivered";
            transcript.checked(&format!("tenant {}: {text}", hirer.tenant_key));
        }
        differences.0.extend(found.0);
    }
    ensure!(differences.0.is_empty(), "not as expected:\n  {}", differences.0.join("\n  "));
    Ok(())
}

async fn check_order(end: &End<'_>) -> anyhow::Result<Differences> {
    let End { hirer, order_id, .. } = end;
    let order = hirer.control.get_order(&hirer.tenant_key, order_id).await?;
    let Order { state, order_status, conclusion, results, reports, timeline, stages, .. } = &order;
    let mut differences = Differences::default();
    let mut expect = |what: &str, expected: String, got: String| {
        differences.expect(&format!("order {order_id}, {what}"), &expected, &got);
    };
    expect("state", wire_name(&end.state), wire_name(state));
    expect("order_status", end.state.order_status().to_string(), order_status.to_string());
    expect(
        "conclusion",
        end.conclusion.unwrap_or_default().to_owned(),
        conclusion.clone().unwrap_or_default(),
    );
    let results: Vec<_> = results.iter().map(|result| result.result.as_str()).collect();
    expect("results", end.conclusion.unwrap_or_default().to_owned(), results.join(", "));
    let actions: Vec<_> = timeline.iter().map(|entry| entry.action).collect();
    expect("timeline", format!("{:?}", end.actions), format!("{actions:?}"));
    // The platform's own first entry comes before the vendor's.
    let stage_count = 1 + end.actions.iter().filter(|a| **a == TimelineAction::Progress).count();
    expect("stages", stage_count.to_string(), stages.len().to_string());
    expect("ended", is_final(end.state).to_string(), order.ended_at.is_some().to_string());

    let report_count = usize::from(end.served.is_some());
    expect("reports", report_count.to_string(), reports.len().to_string());
    if let (Some(served), Some(report)) = (end.served, reports.first()) {
        expect("report's kind", wire_name(&ReportKind::Final), wire_name(&report.kind));
        let size_bytes = u64::try_from(served.content.len()).ok();
        expect("report's size", format!("{size_bytes:?}"), format!("{:?}", report.size_bytes));
        let content = fetch_report(hirer, order_id, report).await?;
        let is_same = (content == served.content).to_string();
        expect("report's bytes as the vendor served them", true.to_string(), is_same);
    }
    Ok(differences)
}

fn is_final(state: OrderState) -> bool {
    matches!(state, OrderState::Completed | OrderState::Terminated)
}

async fn check_hirer(hirer: &Hirer, order_count: usize) -> anyhow::Result<Differences> {
    let Hirer { control, tenant_key, .. } = hirer;
    // The receiver has answered before the server records it.
    let events = asked_until("every event to be delivered", async || {
        let events = control.list_events(tenant_key, &ListEvents::default()).await?.items;
        let delivered = |state| state == DeliveryState::Delivered;
        Ok(events.iter().all(|event| delivered(event.delivery_state)).then_some(events))
    })
    .await?;
    let mut differences = Differences::default();
    let mut expect = |what: &str, expected: usize, got: usize| {
        differences.expect(&format!("tenant {tenant_key}, {what}"), &expected, &got);
    };
    let of_type = |name: &str| events.iter().filter(|event| event.event_type == name).count();
    expect("accounts told", 1, of_type("hire.eco_account.created_v1"));
    expect("orders told", order_count, of_type("hire.eco_background_check.created_v1"));
    expect("events", 1 + order_count, events.len());
    let orders = control.list_orders(tenant_key, &ListOrders::default()).await?.items;
    expect("orders", order_count, orders.len());
    let accounts = control.list_accounts(tenant_key, &List::default()).await?.items;
    expect("accounts", 1, accounts.len());
    let published = accounts.first().map_or(0, |account| account.packages.len());
    expect("packages", 2, published);
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let mut differences = Differences::default();
        differences.expect("order 7, state", &"completed", &"completed");
        differences.expect("order 7, results", &1, &2);
        assert_eq!(differences.0, ["order 7, results: expected 1, got 2"]);
    }
}
