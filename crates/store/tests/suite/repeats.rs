//! Repeats: the same call again answers as before and changes nothing; another call under the same name does not.

use domain::Id;
use domain::order::{Refusal, State};

use crate::support::*;

on_every_desk!(
    progress_is_repeated_in_every_later_state,
    a_result_is_repeated_in_every_later_state,
    an_older_result_is_repeated_after_newer_ones,
    a_cancel_is_repeated,
    a_differing_stage_is_refused,
    a_differing_result_is_refused,
    repeats_in_one_batch_change_nothing,
);

/// Nothing changes while the command is accepted again.
async fn is_repeat(world: &World, scene: &Scene, order_id: Id, command: store::OrderCommand) {
    let before = world.counts().await;
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap();
    assert_eq!(accepted(&world.store, command).await, order_id);
    assert_eq!(world.counts().await, before);
    assert_eq!(world.store.find_order(&scene.tenant, order_id).await.unwrap(), order);
}

async fn progress_is_repeated_in_every_later_state(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let reports = || vec![report("a", "https://vendor.example/a.pdf")];
    let first = || scene.progress_with(order_id, stage("s1", 100), reports());
    accepted(&world.store, first()).await;
    is_repeat(world, &scene, order_id, first()).await;
    for step in [
        scene.progress(order_id, "s2", 200),
        scene.result(order_id, "绿灯"),
        scene.withdraw(order_id),
        scene.result(order_id, "黄灯"),
        scene.reject(order_id, "缺学历"),
        scene.result(order_id, "蓝灯"),
        scene.approve(order_id),
    ] {
        accepted(&world.store, step).await;
        is_repeat(world, &scene, order_id, first()).await;
    }
    let ended = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.progress(ended, "s1", 1)).await;
    accepted(&world.store, scene.terminate(ended, "岗位取消")).await;
    is_repeat(world, &scene, ended, scene.progress(ended, "s1", 1)).await;
}

async fn a_result_is_repeated_in_every_later_state(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let first = || scene.result_with(order_id, "绿灯", vec![report("a", "https://v.example/a")]);
    accepted(&world.store, first()).await;
    is_repeat(world, &scene, order_id, first()).await;
    for step in [
        scene.reject(order_id, "缺学历"),
        scene.progress(order_id, "s2", 200),
        scene.result(order_id, "黄灯"),
        scene.withdraw(order_id),
        scene.terminate(order_id, "岗位取消"),
    ] {
        accepted(&world.store, step).await;
        is_repeat(world, &scene, order_id, first()).await;
    }
}

async fn an_older_result_is_repeated_after_newer_ones(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let texts = ["红灯", "黄灯", "蓝灯", "绿灯"];
    for text in texts {
        accepted(&world.store, scene.result(order_id, text)).await;
        accepted(&world.store, scene.reject(order_id, "再查")).await;
    }
    for text in texts {
        is_repeat(world, &scene, order_id, scene.result(order_id, text)).await;
    }
    accepted(&world.store, scene.result(order_id, "无")).await;
    accepted(&world.store, scene.approve(order_id)).await;
    for text in texts {
        is_repeat(world, &scene, order_id, scene.result(order_id, text)).await;
    }
}

async fn a_cancel_is_repeated(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.cancel(order_id)).await;
    is_repeat(world, &scene, order_id, scene.cancel(order_id)).await;
    let terminated = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.terminate(terminated, "岗位取消")).await;
    is_repeat(world, &scene, terminated, scene.cancel(terminated)).await;
}

async fn a_differing_stage_is_refused(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
    let differing = || {
        let mut other_result = stage("s1", 100);
        other_result.result = Some("在查".into());
        [
            scene.progress(order_id, "s1", 101),
            scene.progress(order_id, "s1", 99),
            scene.progress_with(order_id, other_result, Vec::new()),
            scene.progress_with(
                order_id,
                stage("s1", 100),
                vec![report("a", "https://v.example/a")],
            ),
        ]
    };
    let before = world.counts().await;
    for command in differing() {
        assert_eq!(refused(&world.store, command).await, Refusal::StageIdTaken);
    }
    accepted(&world.store, scene.cancel(order_id)).await;
    for command in differing() {
        let refusal = refused(&world.store, command).await;
        assert_eq!(refusal, Refusal::IllegalStatus(State::Terminated));
    }
    let after = world.counts().await;
    assert_eq!((after.entries, after.stages, after.reports), (before.entries + 1, 1, 0));
}

async fn a_differing_result_is_refused(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    let differing = || {
        let with_report = vec![report("a", "https://v.example/a")];
        [scene.result(order_id, "红灯"), scene.result_with(order_id, "绿灯", with_report)]
    };
    for command in differing() {
        assert_eq!(refused(&world.store, command).await, Refusal::BeingApproved);
    }
    accepted(&world.store, scene.approve(order_id)).await;
    let before = world.counts().await;
    for command in differing() {
        let refusal = refused(&world.store, command).await;
        assert_eq!(refusal, Refusal::IllegalStatus(State::Completed));
    }
    assert_eq!(world.counts().await, before);
}

async fn repeats_in_one_batch_change_nothing(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let mut commands = Vec::new();
    for _ in 0..8 {
        commands.push(scene.progress(order_id, "s1", 100));
        commands.push(scene.result(order_id, "绿灯"));
    }
    let answers = commands.into_iter().map(|command| accepted(&world.store, command));
    futures_util::future::join_all(answers).await;
    let counts = world.counts().await;
    assert_eq!((counts.entries, counts.stages), (3, 1));
}
