//! Random sequences of commands: SQLite, both forms of PostgreSQL's desk and the pure rules give the same answers.

use std::sync::Arc;

use domain::order::{self, Action, Command, Decision, Order, Refusal, Settings, StageMark, State};
use domain::{Actor, AppId, Id};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::{CommandResult, Store};
use tokio::runtime::Runtime;

use crate::support::*;

const SEQUENCES: u32 = 40;
/// Each brings three commands on average.
const STEPS: usize = 10;
const ORDERS: usize = 3;
const NAMES: [&str; 3] = ["the first store", "the second store", "the tenant-local store"];

#[derive(Debug, Clone)]
enum Step {
    Settings {
        report_approval: bool,
        four_eyes: bool,
    },
    /// What arrives at once, in this order.
    Commands(Vec<(usize, Asked)>),
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Progress { stage: u8, time_ms: i64, is_foreign: bool },
    Result { text: u8, is_foreign: bool },
    Cancel { is_foreign: bool },
    Terminate,
    Approve { by_placer: bool },
    Reject { by_placer: bool },
    Withdraw,
}

fn asked() -> impl Strategy<Value = Asked> {
    let rarely = || prop::bool::weighted(0.05);
    prop_oneof![
        6 => (0..4_u8, 1..8_i64, rarely())
            .prop_map(|(stage, time_ms, is_foreign)| Asked::Progress { stage, time_ms, is_foreign }),
        6 => (0..4_u8, rarely()).prop_map(|(text, is_foreign)| Asked::Result { text, is_foreign }),
        1 => rarely().prop_map(|is_foreign| Asked::Cancel { is_foreign }),
        1 => Just(Asked::Terminate),
        2 => any::<bool>().prop_map(|by_placer| Asked::Approve { by_placer }),
        4 => any::<bool>().prop_map(|by_placer| Asked::Reject { by_placer }),
        3 => Just(Asked::Withdraw),
    ]
}

fn sequence() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(report_approval, four_eyes)| Step::Settings { report_approval, four_eyes }),
        9 => prop::collection::vec((0..ORDERS, asked()), 1..6).prop_map(Step::Commands),
    ];
    prop::collection::vec(step, STEPS)
}

/// What was answered, without ids.
type Answer = Result<(), Refusal>;

/// A tenant of one store with its orders.
struct Side {
    store: Arc<Store>,
    scene: Scene,
    orders: Vec<Id>,
}

impl Side {
    async fn new(world: &World) -> Side {
        let scene = world.scene(true, false).await;
        let mut orders = Vec::new();
        for _ in 0..ORDERS {
            orders.push(accepted(&world.store, scene.place()).await);
        }
        Side { store: Arc::clone(&world.store), scene, orders }
    }

    async fn set(&mut self, report_approval: bool, four_eyes: bool) {
        let tenant = &self.scene.tenant;
        let mut settings = tenant.settings.clone();
        (settings.report_approval, settings.four_eyes) = (report_approval, four_eyes);
        let saved =
            self.store.update_tenant(BY, tenant.tenant_id, tenant.version, &tenant.name, &settings);
        assert_eq!(saved.await.unwrap(), store::Saved::Done);
        let tenant = self.store.find_tenant(tenant.tenant_id).await.unwrap().unwrap();
        assert_eq!(tenant.settings, settings);
        self.scene.tenant = tenant;
    }

    /// The answers to what arrives at once, in the order of arrival.
    async fn answers(&self, commands: &[(usize, Asked)]) -> Vec<Answer> {
        let outcomes = commands.iter().map(|(index, asked)| {
            let command = self.command(self.orders[*index], *asked);
            async { (self.orders[*index], self.store.command(command).await.unwrap()) }
        });
        let outcomes = futures_util::future::join_all(outcomes).await;
        let answer = |(asked_id, outcome)| match outcome {
            CommandResult::Accepted(order_id) => {
                assert_eq!(order_id, asked_id);
                Ok(())
            }
            CommandResult::Refused(refusal) => Err(refusal),
            CommandResult::KeyTaken => panic!("no key was given"),
        };
        outcomes.into_iter().map(answer).collect()
    }

    fn command(&self, order_id: Id, asked: Asked) -> store::OrderCommand {
        let foreign = Scene { app_id: AppId(666), ..self.scene.clone() };
        let scene = |is_foreign| if is_foreign { &foreign } else { &self.scene };
        let by = |mut command: store::OrderCommand, by_placer| {
            command.actor = if by_placer { PLACER } else { APPROVER };
            command
        };
        match asked {
            Asked::Progress { stage, time_ms, is_foreign } => {
                scene(is_foreign).progress(order_id, &stage.to_string(), time_ms)
            }
            Asked::Result { text, is_foreign } => {
                scene(is_foreign).result(order_id, &text.to_string())
            }
            Asked::Cancel { is_foreign } => scene(is_foreign).cancel(order_id),
            Asked::Terminate => self.scene.terminate(order_id, "岗位取消"),
            Asked::Approve { by_placer } => by(self.scene.approve(order_id), by_placer),
            Asked::Reject { by_placer } => by(self.scene.reject(order_id, "再查"), by_placer),
            Asked::Withdraw => self.scene.withdraw(order_id),
        }
    }

    /// Each order's entries, as far as ids do not differ.
    async fn timelines(&self) -> Vec<Vec<(Option<State>, State, i64)>> {
        let mut timelines = Vec::new();
        for order_id in &self.orders {
            let order =
                self.store.find_order(&self.scene.tenant, *order_id).await.unwrap().unwrap();
            let entries = order.timeline.iter();
            timelines
                .push(entries.map(|entry| (entry.from, entry.to, entry.rule.number())).collect());
        }
        timelines
    }
}

/// The rules alone.
struct Model {
    orders: Vec<Order>,
    timelines: Vec<Vec<(Option<State>, State, i64)>>,
    settings: Settings,
}

const VENDOR: AppId = AppId(77);

impl Model {
    fn new() -> Model {
        let settings = Settings { report_approval: true, four_eyes: false, returned_event: false };
        let mut model = Model { orders: vec![], timelines: vec![], settings };
        let index = Command {
            actor: PLACER,
            action: Action::Place { vendor: VENDOR },
            digest: [0; 16],
            result_number: None,
        };
        for _ in 0..ORDERS {
            let Ok(Decision::Change(change)) = order::decide(None, &index, settings) else {
                panic!()
            };
            model.orders.push(order::apply(None, &index, &change));
            model.timelines.push(vec![(change.from, change.to, change.rule.number())]);
        }
        model
    }

    fn answer(&mut self, index: usize, asked: Asked) -> Answer {
        let command = command(asked);
        let order = &mut self.orders[index];
        if let Decision::Change(change) = order::decide(Some(order), &command, self.settings)? {
            *order = order::apply(Some(order.clone()), &command, &change);
            self.timelines[index].push((change.from, change.to, change.rule.number()));
        }
        Ok(())
    }
}

fn command(asked: Asked) -> Command {
    let vendor = |is_foreign| Actor::vendor(if is_foreign { AppId(666) } else { VENDOR });
    let member = |by_placer| if by_placer { PLACER } else { APPROVER };
    let (actor, action, said) = match asked {
        Asked::Progress { stage, time_ms, is_foreign } => {
            let mark = StageMark { stage: [stage; 16], stage_time_ms: time_ms };
            let said = 16 * stage + u8::try_from(time_ms).unwrap();
            (vendor(is_foreign), Action::Progress(mark), said)
        }
        Asked::Result { text, is_foreign } => (vendor(is_foreign), Action::Result, text),
        Asked::Cancel { is_foreign } => (vendor(is_foreign), Action::Cancel, 0),
        Asked::Terminate => (PLACER, Action::Terminate, 0),
        Asked::Approve { by_placer } => (member(by_placer), Action::Approve, 0),
        Asked::Reject { by_placer } => (member(by_placer), Action::Reject, 0),
        Asked::Withdraw => (PLACER, Action::Withdraw, 0),
    };
    Command { actor, action, digest: [said; 16], result_number: None }
}

/// Runs one sequence on all sides.
async fn run(worlds: &[&World], steps: &[Step]) {
    let mut model = Model::new();
    let mut sides = Vec::new();
    for world in worlds {
        sides.push(Side::new(world).await);
    }
    for step in steps {
        match step {
            Step::Settings { report_approval, four_eyes } => {
                model.settings = Settings {
                    report_approval: *report_approval,
                    four_eyes: *four_eyes,
                    returned_event: false,
                };
                for side in &mut sides {
                    side.set(*report_approval, *four_eyes).await;
                }
            }
            Step::Commands(commands) => {
                let answer = |(index, asked): &(usize, Asked)| model.answer(*index, *asked);
                let expected: Vec<_> = commands.iter().map(answer).collect();
                for (side, name) in sides.iter().zip(NAMES) {
                    assert_eq!(side.answers(commands).await, expected, "{name}: {commands:?}");
                }
            }
        }
    }
    for side in &sides {
        assert_eq!(side.timelines().await, model.timelines);
    }
}

/// Runs all sequences; a failing one is made small before it is reported.
fn run_all(runtime: &Runtime, worlds: &[&World]) {
    let config = Config {
        cases: SEQUENCES,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let done = runner.run(&sequence(), |steps| {
        let run = std::panic::AssertUnwindSafe(|| runtime.block_on(run(worlds, &steps)));
        std::panic::catch_unwind(run).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            TestCaseError::fail(text)
        })
    });
    done.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn both_engines_and_the_rules_answer_alike() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    };
    let outer = runtime();
    let inner = runtime();
    let is_reached = std::cell::Cell::new(false);
    outer.block_on(World::on_postgres(async |postgres: &World| {
        is_reached.set(true);
        World::on_tenant_local(async |tenant_local: &World| {
            World::on_sqlite(async |sqlite: &World| {
                let worlds = [sqlite, postgres, tenant_local];
                std::thread::scope(|scope| {
                    scope.spawn(|| run_all(&inner, &worlds)).join().unwrap();
                });
            })
            .await;
        })
        .await;
    }));
    if !is_reached.get() {
        outer.block_on(World::on_sqlite(async |sqlite: &World| {
            std::thread::scope(|scope| scope.spawn(|| run_all(&inner, &[sqlite])).join().unwrap());
        }));
    }
}
