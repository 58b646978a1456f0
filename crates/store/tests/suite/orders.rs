//! An order's life as the store keeps it.

use domain::order::{Refusal, Rule, State};
use domain::report::{ReportKind, ReportState};
use domain::{AppId, Id};
use store::content::Comment;
use store::order_pages::OrderFilter;
use store::orders::EntryContent;

use crate::support::*;

on_every_desk!(
    a_placed_order_is_found_whole,
    a_result_without_review_completes,
    a_result_is_reviewed_where_review_is_on,
    the_switch_counts_when_the_result_arrives,
    a_withdrawn_review_lets_the_vendor_return_again,
    nothing_that_was_accepted_is_overwritten,
    each_state_refuses_what_it_must,
    a_stage_is_after_the_last_one,
    with_four_eyes_the_placer_does_not_decide,
    what_belongs_to_someone_else_does_not_exist,
    a_timeline_stays_in_order_when_clocks_differ,
    summary_and_words_are_found_alone,
);

async fn a_placed_order_is_found_whole(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let reports = vec![
        report("学历.pdf", "https://vendor.example/1.pdf"),
        preview("履历", "https://vendor.example/view/2"),
    ];
    let mut progress = scene.progress_with(order_id, stage("s1", 100), reports);
    progress.at = NOW.plus_ms(1_000);
    accepted(&world.store, progress).await;
    let finals = vec![report("终版.pdf", "https://vendor.example/3.pdf")];
    let mut result = scene.result_with(order_id, "绿灯", finals);
    result.at = NOW.plus_ms(2_000);
    accepted(&world.store, result).await;

    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    assert_eq!(order.summary.order_id, order_id);
    assert_eq!(order.summary.account_id, Id(5));
    assert_eq!(order.summary.package_id, "pkg-1");
    assert_eq!(order.summary.app_id, scene.app_id);
    assert_eq!(order.summary.state, State::Completed);
    assert_eq!(order.summary.placed_by, Id(10));
    assert_eq!(order.summary.updated_at, NOW.plus_ms(2_000));
    assert_eq!(order.summary.ended_at, Some(NOW.plus_ms(2_000)));
    assert_eq!(order.form, form());

    let [placed, reported, returned] = order.timeline.as_slice() else {
        panic!("expected 3 entries, found {}", order.timeline.len());
    };
    assert_eq!((placed.entry_id, placed.at, placed.actor), (order_id, NOW, PLACER.id));
    assert_eq!((placed.rule, placed.from, placed.to), (Rule::Placed, None, State::Arranged));
    assert_eq!(placed.content, EntryContent::Nothing);
    assert_eq!((reported.at, reported.actor), (NOW.plus_ms(1_000), scene.vendor().id));
    assert_eq!(reported.rule, Rule::StageReported);
    assert_eq!((reported.from, reported.to), (Some(State::Arranged), State::Arranged));
    assert_eq!(reported.content, EntryContent::Stage(stage("s1", 100)));
    assert_eq!((returned.at, returned.rule), (NOW.plus_ms(2_000), Rule::ResultCompletes));
    assert_eq!((returned.from, returned.to), (Some(State::Arranged), State::Completed));
    assert_eq!(returned.content, EntryContent::Result(final_result("绿灯")));

    let reported: Vec<_> =
        order.reports.iter().map(|report| (report.kind, report.state, &report.source)).collect();
    let expected = [
        (
            ReportKind::Stage,
            ReportState::Pending,
            source("学历.pdf", "https://vendor.example/1.pdf"),
        ),
        (ReportKind::Stage, ReportState::Linked, source("履历", "https://vendor.example/view/2")),
        (
            ReportKind::Final,
            ReportState::Pending,
            source("终版.pdf", "https://vendor.example/3.pdf"),
        ),
    ];
    assert_eq!(
        reported,
        expected.iter().map(|(kind, state, from)| (*kind, *state, from)).collect::<Vec<_>>()
    );
    assert!(order.reports.is_sorted_by_key(|report| report.report_id));
}

async fn a_result_without_review_completes(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "红灯")).await;
    assert_eq!(state(world, &scene, order_id).await, State::Completed);
}

async fn a_result_is_reviewed_where_review_is_on(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    assert_eq!(state(world, &scene, order_id).await, State::InReview);
    assert_eq!(refused(&world.store, scene.result(order_id, "红灯")).await, Refusal::BeingApproved);
    accepted(&world.store, scene.approve(order_id)).await;
    assert_eq!(state(world, &scene, order_id).await, State::Completed);
}

async fn the_switch_counts_when_the_result_arrives(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let mut settings = scene.tenant.settings.clone();
    settings.report_approval = false;
    let tenant_id = scene.tenant.tenant_id;
    world.store.update_tenant(BY, tenant_id, 1, "启明科技", &settings).await.unwrap();
    let tenant = world.store.find_tenant(tenant_id).await.unwrap().unwrap();
    let now = Scene { tenant, ..scene };
    accepted(&world.store, now.result(order_id, "绿灯")).await;
    assert_eq!(state(world, &now, order_id).await, State::Completed);
}

async fn a_withdrawn_review_lets_the_vendor_return_again(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "黄灯")).await;
    accepted(&world.store, scene.withdraw(order_id)).await;
    assert_eq!(state(world, &scene, order_id).await, State::ReviewWithdrawn);
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    assert_eq!(state(world, &scene, order_id).await, State::InReview);
}

async fn nothing_that_was_accepted_is_overwritten(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    for (text, reason) in [("黄灯", "缺学历"), ("蓝灯", "缺履历")] {
        let reports = vec![report(text, "https://vendor.example/r.pdf")];
        accepted(&world.store, scene.result_with(order_id, text, reports)).await;
        accepted(&world.store, scene.reject(order_id, reason)).await;
        assert_eq!(state(world, &scene, order_id).await, State::Rejected);
    }
    let reports = vec![report("绿灯", "https://vendor.example/r.pdf")];
    accepted(&world.store, scene.result_with(order_id, "绿灯", reports)).await;
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    let contents: Vec<_> = order.timeline.iter().map(|entry| entry.content.clone()).collect();
    let reason = |text: &str| EntryContent::Comment(Comment { text: text.into() });
    let result = |text| EntryContent::Result(final_result(text));
    let expected = [
        EntryContent::Nothing,
        result("黄灯"),
        reason("缺学历"),
        result("蓝灯"),
        reason("缺履历"),
        result("绿灯"),
    ];
    assert_eq!(contents, expected);
    let names: Vec<_> = order.reports.iter().map(|report| report.source.name.as_str()).collect();
    assert_eq!(names, ["黄灯", "蓝灯", "绿灯"]);
}

async fn each_state_refuses_what_it_must(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    for command in [scene.approve(order_id), scene.reject(order_id, "x"), scene.withdraw(order_id)]
    {
        let refusal = refused(&world.store, command).await;
        assert_eq!(refusal, Refusal::IllegalStatus(State::Arranged));
    }
    accepted(&world.store, scene.terminate(order_id, "岗位取消")).await;
    let before = world.counts().await;
    let refusal = Refusal::IllegalStatus(State::Terminated);
    for command in [
        scene.progress(order_id, "late", 900),
        scene.result(order_id, "绿灯"),
        scene.terminate(order_id, "again"),
        scene.approve(order_id),
        scene.reject(order_id, "x"),
        scene.withdraw(order_id),
    ] {
        assert_eq!(refused(&world.store, command).await, refusal);
    }
    let completed = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(completed, "绿灯")).await;
    accepted(&world.store, scene.approve(completed)).await;
    let refusal = Refusal::IllegalStatus(State::Completed);
    for command in [scene.cancel(completed), scene.terminate(completed, "x")] {
        assert_eq!(refused(&world.store, command).await, refusal);
    }
    let after = world.counts().await;
    assert_eq!((after.orders, after.entries), (before.orders + 1, before.entries + 3));
    assert_eq!(after.events, before.events + 1, "a refused command tells nobody");
}

async fn a_stage_is_after_the_last_one(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
    for time_ms in [100, 99, 0] {
        let refusal = refused(&world.store, scene.progress(order_id, "s2", time_ms)).await;
        assert_eq!(refusal, Refusal::StageTimeNotIncreasing);
    }
    accepted(&world.store, scene.progress(order_id, "s2", 101)).await;
    let other = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.progress(other, "s1", 1)).await;
}

async fn with_four_eyes_the_placer_does_not_decide(world: &World) {
    let scene = world.scene(true, true).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    for mut command in [scene.approve(order_id), scene.reject(order_id, "x")] {
        command.actor = PLACER;
        assert_eq!(refused(&world.store, command).await, Refusal::PlacerMayNotDecide);
    }
    accepted(&world.store, scene.approve(order_id)).await;
}

async fn what_belongs_to_someone_else_does_not_exist(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
    let before = world.counts().await;
    let other_tenant = Scene { app_id: scene.app_id, ..world.scene(true, false).await };
    let other_app = Scene { app_id: AppId(78), ..scene.clone() };
    for command in [
        other_app.progress(order_id, "s1", 100),
        other_app.progress(order_id, "s2", 200),
        other_app.result(order_id, "绿灯"),
        other_app.cancel(order_id),
        other_tenant.progress(order_id, "s1", 100),
        other_tenant.result(order_id, "绿灯"),
        other_tenant.cancel(order_id),
        other_tenant.terminate(order_id, "x"),
        other_tenant.approve(order_id),
        scene.cancel(Id(order_id.0 + 1)),
    ] {
        assert_eq!(refused(&world.store, command).await, Refusal::OrderNotExist);
    }
    assert_eq!(world.counts().await, before);
    let tenant = &other_tenant.tenant;
    assert_eq!(world.store.find_order(tenant, order_id).await.unwrap(), None);
    let found = world.store.find_order_summary(tenant.tenant_id, order_id).await.unwrap();
    assert_eq!(found, None);
    let page = list(&world.store, tenant, &OrderFilter::default()).await;
    assert_eq!(page, []);
    assert_eq!(world.store.list_events(tenant.tenant_id, END, 10).await.unwrap(), []);
}

async fn a_timeline_stays_in_order_when_clocks_differ(world: &World) {
    let scene = world.scene(true, false).await;
    let mut index = scene.place();
    index.at = NOW.plus_ms(3_600_000);
    let order_id = accepted(&world.store, index).await;
    // On PostgreSQL the rest is done by another replica, whose clock is an hour behind.
    let replica;
    let behind = if world.is_sqlite() {
        &world.store
    } else {
        replica = std::sync::Arc::new(world.replica().await);
        &replica
    };
    accepted(behind, scene.progress(order_id, "s1", 100)).await;
    accepted(behind, scene.result(order_id, "绿灯")).await;
    accepted(&world.store, scene.reject(order_id, "缺学历")).await;
    accepted(behind, scene.result(order_id, "蓝灯")).await;
    let order = behind.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    let rules: Vec<_> = order.timeline.iter().map(|entry| entry.rule).collect();
    let expected = [
        Rule::Placed,
        Rule::StageReported,
        Rule::ResultAwaitsReview,
        Rule::ReviewRejected,
        Rule::ResultAwaitsReview,
    ];
    assert_eq!(rules, expected);
    assert!(order.timeline.is_sorted_by_key(|entry| entry.entry_id));
}

async fn summary_and_words_are_found_alone(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.terminate(order_id, "岗位取消")).await;
    let tenant_id = scene.tenant.tenant_id;
    let summary = world.store.find_order_summary(tenant_id, order_id).await.unwrap().unwrap();
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    assert_eq!((summary.state, &order.form), (State::Terminated, &form()));
    assert_eq!(summary, order.summary);
    let entry_id = order.timeline[1].entry_id;
    let words = world.store.find_words(&scene.tenant, order_id, entry_id).await.unwrap();
    assert_eq!(words, Some(Comment { text: "岗位取消".into() }));
    assert_eq!(order.timeline[1].actor, PLACER.id);
}

async fn state(world: &World, scene: &Scene, order_id: Id) -> State {
    world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap().summary.state
}
