//! What a failed command says and how it ends: the message, the faults, a hint, the exit code.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use client::TransportError;
use client::control::Error;
use contract::control::{FieldFault, Problem, ProblemCode};

use server::StartError;

use crate::flags::Line;
use crate::text::clean;
use crate::usage_error::UsageError;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

pub(crate) fn report(error: &anyhow::Error, line: &Line) -> ExitCode {
    // The reader of our output has read enough: `probity order list | head`.
    let io = error.downcast_ref::<std::io::Error>();
    if io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let (text, code) = describe(error, line);
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}

fn describe(error: &anyhow::Error, line: &Line) -> (String, u8) {
    let mut text = format!("error: {}\n", clean(&format!("{error:#}")));
    let (hint, code) = if let Some(usage) = error.downcast_ref::<UsageError>() {
        (Some(usage.hint.to_owned()), USAGE)
    } else if let Some(failure) = error.downcast_ref::<StartError>() {
        (start_hint(failure).map(str::to_owned), FAILED)
    } else {
        match error.downcast_ref::<Error>() {
            Some(Error::Refused { problem, retry_after_seconds }) => {
                faults(&mut text, problem, line);
                (refusal_hint(problem, *retry_after_seconds, line), FAILED)
            }
            Some(Error::Transport(broken)) => {
                let (hint, code) = broken_hint(broken);
                (Some(hint.to_owned()), code)
            }
            _ => (None, FAILED),
        }
    };
    if let Some(hint) = hint {
        let _ = writeln!(text, "hint: {hint}");
    }
    (text, code)
}

fn faults(text: &mut String, problem: &Problem, line: &Line) {
    let named = |fault: &FieldFault| {
        format!("{}: {}", line.name(&clean(&fault.field)), clean(&fault.message))
    };
    match &problem.errors[..] {
        [] => {}
        [fault] => *text = format!("error: {}\n", named(fault)),
        several => {
            *text = format!("error: {} values are not as expected\n", several.len());
            for fault in several {
                let _ = writeln!(text, "  {}", named(fault));
            }
        }
    }
}

fn refusal_hint(
    problem: &Problem,
    retry_after_seconds: Option<u64>,
    line: &Line,
) -> Option<String> {
    let hint = match problem.kind()? {
        ProblemCode::Unauthenticated => {
            "name a key with --key or PROBITY_KEY, or the server's data directory with --data"
        }
        ProblemCode::Forbidden => {
            "tenants and apps need the operator's key; orders, reports and events one of the tenant"
        }
        ProblemCode::NotFound => "check the id and --tenant: what is another tenant's is not found",
        ProblemCode::IllegalState => match line.command.split(' ').next() {
            Some("order" | "report") => "see where it stands with `probity order show`",
            Some("app") => {
                "see how it stands with `probity app show`, change it with `probity app update`"
            }
            _ => return None,
        },
        ProblemCode::ContentDamaged => "ask its source again with `probity report refetch`",
        ProblemCode::IdempotencyKeyReused => "choose another --idempotency-key",
        ProblemCode::Internal | ProblemCode::Unavailable => {
            "repeat it with the same --idempotency-key, if one was named"
        }
        ProblemCode::RateLimited => {
            let seconds = retry_after_seconds.unwrap_or(1);
            return Some(format!("repeat it in {seconds} s"));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn start_hint(failure: &StartError) -> Option<&'static str> {
    match failure {
        StartError::Lost(_) => Some(
            "nothing was changed. Restore a backup (of the embedded database: move probity.db and all \
             probity.db-* away, then `probity restore BACKUP`);\n      or go on without what is missing: start once with \
             `probity serve --accept-data-loss`",
        ),
        StartError::Damaged(_) => Some(
            "nothing was changed. Restore a backup: move probity.db and all probity.db-* away, then \
             `probity restore BACKUP`;\n      without one, see \"Damage\" in docs/reports.md",
        ),
        _ => None,
    }
}

fn broken_hint(broken: &TransportError) -> (&'static str, u8) {
    match broken {
        TransportError::Address { .. } => ("see `probity --help` for what is expected", USAGE),
        TransportError::Unreachable { .. } => {
            ("is it running? name another with --server or PROBITY_SERVER", UNREACHABLE)
        }
        _ => ("does --server name a Probity server?", FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(problem: Problem) -> anyhow::Error {
        let problem = Box::new(problem);
        anyhow::Error::new(Error::Refused { problem, retry_after_seconds: Some(3) })
    }

    #[test]
    fn refusals_name_every_fault_and_end_with_1() {
        let fault = |field: &str| FieldFault { field: field.into(), message: "expected it".into() };
        let error = refused(Problem::invalid(vec![fault("name"), fault("locale")]));
        let (text, code) = describe(&error, &Line::default());
        let expected = "error: 2 values are not as expected\n  name: expected it\n  \
                        locale: expected it\n";
        assert_eq!((text.as_str(), code), (expected, 1));
    }

    #[test]
    fn refusals_carry_a_hint() {
        let (text, code) = describe(
            &refused(Problem::new(ProblemCode::RateLimited, "too many")),
            &Line::default(),
        );
        assert_eq!((text.as_str(), code), ("error: too many\nhint: repeat it in 3 s\n", 1));
    }

    #[test]
    fn late_usage_errors_end_with_2_also_below_context() {
        let usage = UsageError { message: "expected a tenant".into(), hint: "name one" };
        let (text, code) =
            describe(&anyhow::Error::new(usage).context("order list"), &Line::default());
        assert_eq!(
            (text.as_str(), code),
            ("error: order list: expected a tenant\nhint: name one\n", 2)
        );
    }

    #[test]
    fn a_server_that_is_away_ends_with_3_and_escapes_do_not_reach_the_terminal() {
        let error = refused(Problem::new(ProblemCode::Conflict, "a\u{1b}[31mb"));
        assert_eq!(describe(&error, &Line::default()), ("error: a\u{fffd}[31mb\n".to_owned(), 1));
        let broken = TransportError::Address { expected: "a URL" };
        assert_eq!(describe(&anyhow::Error::new(Error::from(broken)), &Line::default()).1, 2);
    }
}
