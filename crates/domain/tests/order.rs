//! The order's life: the whole grid as a snapshot, all sequences to depth 8, random sequences.

use std::fmt::Write as _;

use contract::control::OrderState;
use domain::order::*;
use domain::{Actor, ActorId, ActorKind, AppId, Id, Roles};
use proptest::prelude::*;

const VENDOR: AppId = AppId(1);
const PLACER: Actor = Actor::api_key(Id(10), Id(1), Roles::NONE);
const APPROVER: Actor = Actor::api_key(Id(11), Id(2), Roles::NONE);
const JOB: Actor = Actor::job();

fn command(actor: Actor, action: Action, digest: u8) -> Command {
    Command { actor, action, digest: [digest; 16], result_number: None }
}

fn seen(result_number: i64, command: Command) -> Command {
    Command { result_number: Some(result_number), ..command }
}

fn stage(stage: u8, stage_time_ms: i64) -> Action {
    Action::Progress(StageMark { stage: [stage; 16], stage_time_ms })
}

fn order_in(state: State) -> Order {
    Order {
        state,
        vendor: VENDOR,
        placed_by: PLACER.owner,
        stage_time_ms_last: 100,
        stages: [([1; 16], [1; 16])].into(),
        results: vec![[2; 16]],
        result_count: 1,
    }
}

/// The commands of the grid: every kind of command, and every way in which repeats can differ.
fn commands() -> Vec<(&'static str, Command)> {
    let vendor = Actor::vendor(VENDOR);
    vec![
        ("place", command(PLACER, Action::Place { vendor: VENDOR }, 9)),
        ("progress, new", command(vendor, stage(7, 101), 7)),
        ("progress, identical repeat", command(vendor, stage(1, 100), 1)),
        ("progress, stage_id taken", command(vendor, stage(1, 101), 8)),
        ("progress, time not increasing", command(vendor, stage(7, 100), 7)),
        ("progress, another app's", command(Actor::vendor(AppId(2)), stage(7, 101), 7)),
        ("result, new", command(vendor, Action::Result, 3)),
        ("result, identical repeat", command(vendor, Action::Result, 2)),
        ("result, another app's", command(Actor::vendor(AppId(2)), Action::Result, 2)),
        ("cancel", command(vendor, Action::Cancel, 4)),
        ("cancel, another app's", command(Actor::vendor(AppId(2)), Action::Cancel, 4)),
        ("terminate", command(PLACER, Action::Terminate, 5)),
        ("approve", command(APPROVER, Action::Approve, 6)),
        ("approve, by the placer", command(PLACER, Action::Approve, 6)),
        ("reject", command(APPROVER, Action::Reject, 6)),
        ("reject, by the placer", command(PLACER, Action::Reject, 6)),
        ("withdraw", command(PLACER, Action::Withdraw, 6)),
        ("approve, of the newest result", seen(1, command(APPROVER, Action::Approve, 6))),
        ("approve, of a superseded result", seen(0, command(APPROVER, Action::Approve, 6))),
        ("reject, of a superseded result", seen(0, command(APPROVER, Action::Reject, 6))),
        ("note overdue", seen(1, command(JOB, Action::NoteOverdue, 0))),
        ("note overdue, of a superseded result", seen(0, command(JOB, Action::NoteOverdue, 0))),
    ]
}

fn outcome(order: Option<&Order>, command: &Command, settings: Settings) -> String {
    match decide(order, command, settings) {
        Ok(Decision::Repeat) => "repeat".to_owned(),
        Ok(Decision::Change(change)) => {
            let event = change.event.map_or(String::new(), |event| format!(" + {event:?} event"));
            format!("-> {} ({}){event}", OrderState::from(change.to).as_str(), change.rule.code())
        }
        Err(refusal) => format!("refused: {refusal}"),
    }
}

#[test]
fn every_command_in_every_state_has_its_known_outcome() {
    let mut grid = String::new();
    for (report_approval, four_eyes) in [(false, false), (true, false), (true, true)] {
        let settings = Settings { report_approval, four_eyes, returned_event: false };
        writeln!(grid, "report_approval {report_approval}, four_eyes {four_eyes}").unwrap();
        for (name, command) in commands() {
            writeln!(grid, "  {name}").unwrap();
            writeln!(grid, "    {:16} {}", "no order", outcome(None, &command, settings)).unwrap();
            for state in State::ALL.iter().copied() {
                let order = order_in(state);
                let outcome = outcome(Some(&order), &command, settings);
                writeln!(grid, "    {:16} {outcome}", OrderState::from(state).as_str()).unwrap();
            }
        }
    }
    insta::assert_snapshot!(grid);
}

/// What must hold after every step, whatever came before.
fn check_step(before: Option<&Order>, command: &Command, settings: Settings) -> Option<Order> {
    let decision = decide(before, command, settings);
    let Ok(Decision::Change(change)) = decision else {
        if let (Some(order), Ok(Decision::Repeat)) = (before, decision) {
            let accepted_before = match command.action {
                Action::Progress(mark) => order.stages.get(&mark.stage) == Some(&command.digest),
                Action::Result => order.results.contains(&command.digest),
                Action::Cancel => order.state == State::Terminated,
                _ => false,
            };
            assert!(accepted_before, "only an accepted call can be repeated");
        }
        return before.cloned();
    };
    let after = apply(before.cloned(), command, &change);
    if let Some(before) = before {
        assert!(!before.state.is_final(), "final states never change");
        assert!(before.results.iter().all(|digest| after.results.contains(digest)));
        assert!(before.stages.keys().all(|stage| after.stages.contains_key(stage)));
        assert!(after.stage_time_ms_last >= before.stage_time_ms_last);
        let ActorId { kind, id } = command.actor.id;
        if kind == ActorKind::Vendor {
            let app = AppId(id.0);
            assert_eq!(app, before.vendor, "a vendor changes its own orders only");
        }
        assert_eq!(
            change.event == Some(OrderEvent::Canceled),
            change.rule == Rule::HirerTerminated,
            "the vendor is notified of a termination by the hirer"
        );
        assert_eq!(
            change.event == Some(OrderEvent::Returned),
            settings.returned_event && change.rule == Rule::ReviewRejected,
            "the vendor is notified that a result was sent back where that is switched on, and of nothing else"
        );
        let count = after.results.len() as i64;
        assert_eq!(after.result_count, count, "results are counted");
    } else {
        assert_eq!(change.event, Some(OrderEvent::Created));
    }
    if after.state == State::Completed {
        let by_approver = matches!(command.action, Action::Approve);
        let directly = matches!(command.action, Action::Result) && !settings.report_approval;
        assert!(by_approver || directly, "completed by an approver, or without review by a result");
        assert!(!after.results.is_empty(), "no completed order without a result");
    }
    if after.state == State::InReview {
        assert!(!after.results.is_empty(), "no review without a result");
    }
    if matches!(command.action, Action::Result | Action::Progress(_)) {
        let again = decide(Some(&after), command, settings);
        assert_eq!(again, Ok(Decision::Repeat), "an accepted call can be repeated at once");
    }
    Some(after)
}

fn walk(order: Option<&Order>, commands: &[Command], settings: Settings, depth: u32) -> u64 {
    if depth == 0 {
        return 1;
    }
    commands
        .iter()
        .map(|command| {
            let after = check_step(order, command, settings);
            walk(after.as_ref(), commands, settings, depth - 1)
        })
        .sum()
}

#[test]
fn all_sequences_to_depth_8_keep_the_invariants() {
    let vendor = Actor::vendor(VENDOR);
    let commands = [
        command(vendor, stage(1, 1), 1),
        command(vendor, Action::Result, 2),
        command(vendor, Action::Result, 3),
        command(vendor, Action::Cancel, 4),
        command(PLACER, Action::Terminate, 5),
        command(APPROVER, Action::Approve, 6),
        command(APPROVER, Action::Reject, 7),
        command(PLACER, Action::Withdraw, 8),
    ];
    let index = command(PLACER, Action::Place { vendor: VENDOR }, 9);
    for report_approval in [false, true] {
        let settings = Settings { report_approval, four_eyes: true, returned_event: false };
        let placed = check_step(None, &index, settings);
        assert_eq!(walk(placed.as_ref(), &commands, settings, 8), 8_u64.pow(8));
    }
}

/// Who is behind a key counts, not the key.
#[test]
fn with_four_eyes_another_key_of_the_placer_does_not_decide() {
    let settings = Settings { report_approval: true, four_eyes: true, returned_event: false };
    let order = order_in(State::InReview);
    let decide = |actor, action| decide(Some(&order), &command(actor, action, 1), settings);
    let other_key = Actor::api_key(Id(12), PLACER.owner, Roles::NONE);
    let person = Actor::user(PLACER.owner, Roles::NONE);
    for actor in [PLACER, other_key, person] {
        for action in [Action::Approve, Action::Reject] {
            assert_eq!(decide(actor, action), Err(Refusal::PlacerMayNotDecide), "{actor:?}");
        }
    }
    assert!(decide(APPROVER, Action::Approve).is_ok());
    assert!(decide(PLACER, Action::Withdraw).is_ok());
}

proptest! {
    #[test]
    fn random_sequences_with_changing_settings_keep_the_invariants(
        steps in prop::collection::vec(
            (0_u8..9, 0_u8..5, 0_i64..5, 1_i64..3, any::<bool>(), any::<bool>(), any::<bool>()),
            1..60)
    ) {
        let index = command(PLACER, Action::Place { vendor: VENDOR }, 9);
        let mut order = check_step(None, &index, Settings::default());
        for (kind, digest, time, app, report_approval, four_eyes, returned_event) in steps {
            let vendor = Actor::vendor(AppId(app));
            let (actor, action) = match kind {
                0 => (vendor, stage(digest, time)),
                1 => (vendor, Action::Result),
                2 => (vendor, Action::Cancel),
                3 => (PLACER, Action::Terminate),
                4 => (APPROVER, Action::Approve),
                5 => (APPROVER, Action::Reject),
                6 => (PLACER, Action::Withdraw),
                7 => (JOB, Action::NoteOverdue),
                _ => (PLACER, Action::Place { vendor: VENDOR }),
            };
            let command = command(actor, action, digest);
            let settings = Settings { report_approval, four_eyes, returned_event };
            order = check_step(order.as_ref(), &command, settings);
        }
    }
}
