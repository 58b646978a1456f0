//! The check of a callback URL: one `url_verification` is posted, and the receiver answers within 1 s with the
//! challenge. A failure is explained by request, answer and likely cause. Source: contract, section 5.2.

use contract::control::{UrlCause, UrlCheck};
use contract::event::UrlVerification;
use outbound::{Answer, ConnectFailure, PostFailure, TlsFailure};
use serde_json::Value;
use store::apps::{App, AppSecrets};
use system::random;

use crate::Hub;
use crate::webhook_request::request;

/// How long a receiver has, in milliseconds.
const ANSWER_MS_MAX: u64 = 1_000;
const GZIP: &[u8] = &[0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// How a check went, and under which secrets.
pub(super) struct Checked {
    pub(super) check: UrlCheck,
    /// Whether the receiver has the present secrets, so that the old ones may end.
    pub(super) ends_grace: bool,
}

/// Checks the URL under the app's secrets; in the grace time of a rotation under the new ones first, and under the
/// old ones when those do not pass.
pub(super) async fn check(hub: &Hub, app: &App, url: &str) -> Checked {
    let secrets = &app.secrets;
    let first = check_under(hub, app, secrets, url).await;
    let Some(old) = secrets.before_rotation(hub.installation_clock.now()) else {
        return Checked { check: first, ends_grace: false };
    };
    if first.passed {
        return Checked { check: first, ends_grace: true };
    }
    let second = check_under(hub, app, &old, url).await;
    if !second.passed {
        return Checked { check: first, ends_grace: false };
    }
    let explanation =
        "the receiver passes under the old secrets, not under the new ones: give it the \
        new ones before the grace time ends, then check again"
            .to_owned();
    Checked { check: UrlCheck { explanation, ..second }, ends_grace: false }
}

async fn check_under(hub: &Hub, app: &App, secrets: &AppSecrets, url: &str) -> UrlCheck {
    let challenge = random::secret();
    let call = UrlVerification::new(challenge.clone(), secrets.verification_token.clone()).to_vec();
    let speaker = App { secrets: secrets.clone(), ..app.clone() };
    let (headers, body) = request(&speaker, hub.installation_clock.now().seconds(), &call);
    let begun_ms = hub.installation_clock.mono_ms();
    let answered = hub.outbound.post(url, &headers, body.clone()).await;
    let took_ms = hub.installation_clock.mono_ms().saturating_sub(begun_ms);
    let is_encrypted = app.settings.encrypted;
    let cause = find_cause(&answered, took_ms, &challenge);
    UrlCheck {
        passed: cause.is_none(),
        url: url.to_owned(),
        took_ms,
        sent: sent(&body, secrets, is_encrypted),
        http_status: answered.as_ref().ok().map(|answer| answer.status),
        received: answered.as_ref().ok().map(|it| String::from_utf8_lossy(&it.body).into_owned()),
        cause,
        explanation: match cause {
            None => "the receiver answered with the challenge".to_owned(),
            Some(cause) => explain(cause, &answered, is_encrypted),
        },
    }
}

/// The body as it was posted, with a verification token in plain text masked.
fn sent(body: &[u8], secrets: &AppSecrets, is_encrypted: bool) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    let token = &secrets.verification_token;
    if is_encrypted || token.is_empty() {
        text
    } else {
        text.replace(token, &"*".repeat(token.len()))
    }
}

/// Why the receiver does not pass; none when it does.
fn find_cause(
    answered: &Result<Answer, PostFailure>,
    took_ms: u64,
    challenge: &str,
) -> Option<UrlCause> {
    let answer = match answered {
        Ok(answer) => answer,
        Err(PostFailure::Unreachable(ConnectFailure::Refused(_))) => {
            return Some(UrlCause::AddressRefused);
        }
        Err(PostFailure::Unreachable(ConnectFailure::NotResolved)) => {
            return Some(UrlCause::NotResolved);
        }
        Err(PostFailure::Unreachable(ConnectFailure::NotConnected)) => {
            return Some(UrlCause::NotConnected);
        }
        Err(PostFailure::Unreachable(ConnectFailure::NotSecured(_))) => {
            return Some(UrlCause::NotSecured);
        }
        Err(PostFailure::Unreachable(ConnectFailure::TooSlow) | PostFailure::TooSlow) => {
            return Some(UrlCause::TooSlow);
        }
        Err(PostFailure::Broken) => return Some(UrlCause::Broken),
        Err(PostFailure::OutOfHandles | PostFailure::Unreachable(ConnectFailure::OutOfHandles)) => {
            return Some(UrlCause::OutOfHandles);
        }
    };
    if (300..400).contains(&answer.status) {
        return Some(UrlCause::Redirected);
    }
    if answer.status != 200 {
        return Some(UrlCause::Status);
    }
    if took_ms > ANSWER_MS_MAX {
        return Some(UrlCause::TooSlow);
    }
    if answer.body.is_empty() {
        return Some(UrlCause::EmptyAnswer);
    }
    find_cause_in_body(answer, challenge)
}

fn find_cause_in_body(answer: &Answer, challenge: &str) -> Option<UrlCause> {
    if is_compressed(answer) {
        return Some(UrlCause::Compressed);
    }
    let Some(body) = read_json(&answer.body) else {
        let text = answer.body.strip_prefix(BYTE_ORDER_MARK);
        return Some(match text {
            Some(rest) if read_json(rest).is_some() => UrlCause::ByteOrderMark,
            _ if is_bare(&answer.body, challenge) => UrlCause::BareChallenge,
            _ => UrlCause::NotJson,
        });
    };
    let Value::Object(members) = &body else {
        return Some(match &body {
            Value::String(text) if text.contains(challenge) => UrlCause::BareChallenge,
            _ => UrlCause::NotJson,
        });
    };
    match members.get("challenge") {
        Some(Value::String(found)) if found == challenge => None,
        _ if holds(&body, challenge) => Some(UrlCause::ChallengeElsewhere),
        Some(Value::String(_)) => Some(UrlCause::OtherChallenge),
        _ => Some(UrlCause::NoChallenge),
    }
}

fn read_json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

fn is_compressed(answer: &Answer) -> bool {
    let mut codings = answer.content_encodings.iter();
    let is_coded =
        codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    answer.body.starts_with(GZIP) || (is_coded && read_json(&answer.body).is_none())
}

fn is_bare(body: &[u8], challenge: &str) -> bool {
    body.trim_ascii() == challenge.as_bytes()
}

fn holds(value: &Value, challenge: &str) -> bool {
    match value {
        Value::String(text) => text.contains(challenge),
        Value::Array(items) => items.iter().any(|item| holds(item, challenge)),
        Value::Object(members) => members.values().any(|member| holds(member, challenge)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn explain(cause: UrlCause, answered: &Result<Answer, PostFailure>, is_encrypted: bool) -> String {
    let status = answered.as_ref().map_or(0, |answer| answer.status);
    let secrets = match is_encrypted {
        true => "encrypt key or verification token",
        false => "verification token",
    };
    match cause {
        UrlCause::AddressRefused => "the server lets nothing out to this address: expected a public \
            host on port 80, 443 or 8443, or one that --allow-outbound names"
            .to_owned(),
        UrlCause::NotResolved => {
            "the host's name has no address: look for a mistake in it, and whether this machine's \
             resolver knows it"
                .to_owned()
        }
        UrlCause::NotConnected => "nothing takes connections there: the receiver does not run, listens \
            on another port or on its own machine alone, or a firewall is between"
            .to_owned(),
        UrlCause::NotSecured => format!("TLS failed: {}", explain_tls(answered)),
        UrlCause::TooSlow
            if matches!(answered, Err(PostFailure::Unreachable(ConnectFailure::TooSlow))) =>
        {
            "no connection came about in time: none of the host's addresses answers (a firewall between, \
             or a receiver that is down), or TLS was begun and not answered"
                .to_owned()
        }
        UrlCause::TooSlow => "no whole answer within 1 s: answer the challenge before doing anything \
            else, and let no proxy wait for a sleeping receiver"
            .to_owned(),
        UrlCause::Broken => "the connection broke off or the answer was not HTTP/1.1: the port may \
            belong to something else, or the receiver crashed on the request"
            .to_owned(),
        UrlCause::OutOfHandles => "this server had no file handle left for the connection, which says \
            nothing about the receiver: try again, and raise the limit on open files"
            .to_owned(),
        UrlCause::Redirected => format!(
            "status {status}: redirects are not followed, save the address that it leads to (often \
             https, or a slash at the end)"
        ),
        UrlCause::Status => match status {
            401 | 403 => format!(
                "status {status}: something before the receiver wants to know who calls; let \
                 this path through"
            ),
            404 | 405 => format!(
                "status {status}: the host is right, the path or its method is not; it is \
                 called by POST, path and query exactly as saved"
            ),
            500..=599 => format!(
                "status {status}: the receiver failed at the request; with the official SDKs its \
                 {secrets} is not the app's"
            ),
            _ => format!("status {status}: expected 200"),
        },
        UrlCause::EmptyAnswer => format!(
            "200 without a body: with the official Node SDK either autoChallenge is not true, or the \
             receiver's {secrets} is not the app's"
        ),
        UrlCause::NotJson => "the answer is no JSON object: another page answers at this address, or a \
            proxy before the receiver"
            .to_owned(),
        UrlCause::Compressed => "the answer is compressed, although it was asked for with \
            Accept-Encoding: identity: switch compression off for this path, in the receiver or the \
            proxy before it"
            .to_owned(),
        UrlCause::ByteOrderMark => "a byte-order mark stands before the JSON: write the answer as UTF-8 \
            without one"
            .to_owned(),
        UrlCause::BareChallenge => "the challenge came back by itself, as text or as a JSON string: \
            expected the JSON object {\"challenge\":\"...\"} with the value that came"
            .to_owned(),
        UrlCause::ChallengeElsewhere => "the challenge stands in another member, or within one such as \
            \"data\": expected {\"challenge\":\"...\"}, in small letters, as a member of the answer \
            itself"
            .to_owned(),
        UrlCause::NoChallenge if is_encrypted => {
            "the answer has no challenge: the receiver did not decrypt the body (its encrypt key is \
             missing or another one), or takes the check for an event"
                .to_owned()
        }
        UrlCause::NoChallenge => "the answer has no challenge: the receiver takes the check for an \
            event; expected {\"challenge\":\"...\"} with the value that came"
            .to_owned(),
        UrlCause::OtherChallenge => "another challenge than the one sent: the receiver, or a cache \
            before it, repeats an old answer"
            .to_owned(),
    }
}

fn explain_tls(answered: &Result<Answer, PostFailure>) -> &'static str {
    let Err(PostFailure::Unreachable(ConnectFailure::NotSecured(failure))) = answered else {
        return "the connection could not be secured";
    };
    match failure {
        TlsFailure::Expired => "the certificate has expired, or is not good yet",
        TlsFailure::OtherName => "the certificate is for another host",
        TlsFailure::UnknownIssuer => {
            "nobody known signed the certificate: send the certificates between it and its authority \
             too, or name an authority of your own with --ca-file"
        }
        TlsFailure::Certificate => "the certificate cannot be used",
        TlsFailure::NotTls => "what answers there speaks no TLS, often plain HTTP on the same port",
        TlsFailure::Refused => {
            "the receiver refused: it has no version or cipher in common (1.2 and 1.3 are spoken), or \
             does not know the host's name"
        }
        TlsFailure::Broken => {
            "the connection ended within the handshake, with a post-quantum key share and without: a \
             firewall between, or nothing that speaks TLS"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::Refusal;

    fn answer(status: u16, body: &str) -> Result<Answer, PostFailure> {
        Ok(Answer {
            status,
            content_encodings: Vec::new(),
            body: body.to_owned().into(),
            is_cut: false,
            took_ms: 1,
        })
    }

    fn coded(coding: &'static str, body: &str) -> Result<Answer, PostFailure> {
        let mut answered = answer(200, body);
        if let Ok(answer) = &mut answered {
            answer.content_encodings.push(coding.to_owned());
        }
        answered
    }

    #[test]
    fn every_failure_has_its_cause_and_an_explanation() {
        let unreachable = |failure| Err(PostFailure::Unreachable(failure));
        let refused = unreachable(ConnectFailure::Refused(Refusal::Malformed));
        let cases = [
            (answer(200, r#"{"challenge":"c-1"}"#), 1_000, None),
            (answer(200, r#"{"challenge":"c-1","x":1}"#), 0, None),
            (answer(200, r#"{"challenge":"c-1"}"#), 1_001, Some(UrlCause::TooSlow)),
            (answer(200, r#"{"challenge":"c-2"}"#), 0, Some(UrlCause::OtherChallenge)),
            (answer(200, r#"{"msg":"success"}"#), 0, Some(UrlCause::NoChallenge)),
            (answer(200, r#"{"challenge":1}"#), 0, Some(UrlCause::NoChallenge)),
            (answer(200, "<html>"), 0, Some(UrlCause::NotJson)),
            (answer(200, "[]"), 0, Some(UrlCause::NotJson)),
            (answer(200, ""), 0, Some(UrlCause::EmptyAnswer)),
            (answer(201, r#"{"challenge":"c-1"}"#), 0, Some(UrlCause::Status)),
            (answer(301, ""), 0, Some(UrlCause::Redirected)),
            (answer(403, ""), 0, Some(UrlCause::Status)),
            (answer(404, ""), 0, Some(UrlCause::Status)),
            (answer(500, ""), 0, Some(UrlCause::Status)),
            (refused, 0, Some(UrlCause::AddressRefused)),
            (unreachable(ConnectFailure::NotResolved), 0, Some(UrlCause::NotResolved)),
            (unreachable(ConnectFailure::NotConnected), 0, Some(UrlCause::NotConnected)),
            (
                unreachable(ConnectFailure::NotSecured(TlsFailure::Broken)),
                0,
                Some(UrlCause::NotSecured),
            ),
            (answer(200, "\u{feff}{\"challenge\":\"c-1\"}"), 0, Some(UrlCause::ByteOrderMark)),
            (answer(200, "\u{feff}<html>"), 0, Some(UrlCause::NotJson)),
            (answer(200, " c-1\n"), 0, Some(UrlCause::BareChallenge)),
            (answer(200, r#""c-1""#), 0, Some(UrlCause::BareChallenge)),
            (answer(200, r#""{\"challenge\":\"c-1\"}""#), 0, Some(UrlCause::BareChallenge)),
            (answer(200, r#"{"data":{"challenge":"c-1"}}"#), 0, Some(UrlCause::ChallengeElsewhere)),
            (answer(200, r#"{"Challenge":"c-1"}"#), 0, Some(UrlCause::ChallengeElsewhere)),
            (answer(200, r#"{"data":["c-2"]}"#), 0, Some(UrlCause::NoChallenge)),
            (coded("gzip", "(compressed)"), 0, Some(UrlCause::Compressed)),
            (coded("identity", r#"{"challenge":"c-1"}"#), 0, None),
            // It says so and does not do it.
            (coded("gzip", r#"{"challenge":"c-1"}"#), 0, None),
            (unreachable(ConnectFailure::TooSlow), 0, Some(UrlCause::TooSlow)),
            (Err(PostFailure::TooSlow), 0, Some(UrlCause::TooSlow)),
            (Err(PostFailure::Broken), 0, Some(UrlCause::Broken)),
            (Err(PostFailure::OutOfHandles), 0, Some(UrlCause::OutOfHandles)),
        ];
        for (answered, took_ms, expected) in cases {
            let cause = find_cause(&answered, took_ms, "c-1");
            assert_eq!(cause, expected, "{answered:?}");
            let Some(cause) = cause else { continue };
            for is_encrypted in [false, true] {
                let text = explain(cause, &answered, is_encrypted);
                assert!(text.len() > 20 && !text.contains("  "), "{text}");
            }
        }
    }

    #[test]
    fn the_token_is_masked_where_it_stands_openly() {
        let secrets = AppSecrets {
            verification_token: "v-1".to_owned(),
            encrypt_key: String::new(),
            old: Default::default(),
        };
        assert_eq!(sent(br#"{"token":"v-1"}"#, &secrets, false), r#"{"token":"***"}"#);
        assert_eq!(sent(br#"{"encrypt":"v-1"}"#, &secrets, true), r#"{"encrypt":"v-1"}"#);
    }
}
