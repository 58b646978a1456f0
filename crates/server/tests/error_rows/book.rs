//! The book of rows: what an answer must be for a row of the errors table, and which rows were seen.

use std::collections::HashSet;

use contract::code::{self, Code};
use contract::scope::Scope;
use serde_json::{Value, json};

use super::harness::wire::Answer;

/// What stands beside code and text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beside<'a> {
    /// Nothing.
    Nothing,
    /// An empty `data`.
    Data,
    /// The error object with the log id and how to trace the answer.
    Trace,
    /// The error object with the log id and these members: field, value, description.
    Fields(&'a [(&'a str, Option<&'a str>, &'a str)]),
    /// The error object with the log id, how to trace the answer, and what is missing to this app.
    Scopes(&'a str, &'a [Scope]),
}

/// The rows that were produced.
#[derive(Default)]
pub(super) struct Book {
    seen: HashSet<(u32, u16, &'static str)>,
}

fn key(code: &Code) -> (u32, u16, &'static str) {
    (code.number, code.http_status, code.msg)
}

impl Book {
    /// Checks that an answer is a row of the table, whole, and notes that the row was produced. `filled` takes the
    /// places of `%s` in the row's text, in their order.
    pub(super) fn row(
        &mut self,
        code: &Code,
        filled: &[&str],
        answer: &Answer,
        beside: Beside<'_>,
    ) {
        let shown = format!("{code}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.status, code.http_status, "{shown}");
        let kind = answer.header("Content-Type");
        assert_eq!(kind, Some("application/json; charset=utf-8"), "{shown}");
        let msg = filled.iter().fold(code.msg.to_owned(), |msg, text| msg.replacen("%s", text, 1));
        let expected = expected(code, &msg, answer.log_id(), beside);
        assert_eq!(answer.json(), expected, "{shown}");
        self.seen.insert(key(code));
    }

    /// Every row of the table was produced, or is one of these.
    pub(super) fn close(self, never: &[(&Code, &str)]) {
        let never = never.iter().map(|(code, why)| {
            assert!(!why.is_empty(), "{code}");
            *code
        });
        let excused: Vec<_> = never.collect();
        for code in code::ALL {
            let times = excused.iter().filter(|it| key(it) == key(code)).count();
            match self.seen.contains(&key(code)) {
                true => assert_eq!(times, 0, "{code} was produced, and is said not to be"),
                false => assert_eq!(times, 1, "{code} was not produced"),
            }
        }
    }
}

fn expected(code: &Code, msg: &str, log_id: &str, beside: Beside<'_>) -> Value {
    let number = code.number;
    let trace = format!(
        "排查请提供 log_id 与 code (to trace this answer, quote both): log_id={log_id}, code={number}"
    );
    let mut body = json!({"code": number, "msg": msg});
    match beside {
        Beside::Nothing => {}
        Beside::Data => body["data"] = json!({}),
        Beside::Trace => body["error"] = json!({"log_id": log_id, "troubleshooter": trace}),
        Beside::Fields(fields) => {
            let violation = |(field, value, description): &(&str, Option<&str>, &str)| {
                let mut violation = json!({"field": field, "description": description});
                if let Some(value) = value {
                    violation["value"] = json!(value);
                }
                violation
            };
            let violations: Vec<_> = fields.iter().map(violation).collect();
            body["error"] = json!({"log_id": log_id, "field_violations": violations});
        }
        Beside::Scopes(app_id, scopes) => {
            let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
            let list = names.join(", ");
            // Without a public URL there is no link.
            let chinese = format!("应用缺少以下任一权限：[{list}]");
            body["msg"] = json!(format!("{msg}{chinese}"));
            let violation = |name: &&str| json!({"type": "action_scope_required", "subject": name});
            body["error"] = json!({
                "message": format!("grant one of the scopes [{list}] to app {app_id}, then call again"),
                "log_id": log_id,
                "troubleshooter": trace,
                "permission_violations": names.iter().map(violation).collect::<Vec<_>>(),
            });
        }
    }
    body
}
