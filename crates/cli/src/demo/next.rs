//! What to try next: lines that work as they are when pasted into another terminal.

use std::path::{Path, PathBuf};

use contract::route::{Call, ROUTES};

use super::scenario::Actors;
use super::transcript::Transcript;

/// The result that both snippets return. Being identical, both are answered 0, in any order.
const RESULT: &str = "无差异";

/// Prints how to approve the order in review, and how to return the result of the arranged one.
pub(super) async fn print(
    transcript: &Transcript,
    url: &str,
    actors: &Actors,
) -> anyhow::Result<()> {
    let token = actors.direct.vendor.tenant_access_token().await?;
    let app = &actors.direct.app;
    let probity = own_path();

    transcript.heading("Your turn, in another terminal in this folder");
    transcript.words("Approve the order in review; it is completed then:");
    let caller =
        Caller { url, tenant_key: &actors.reviewing.tenant_key, key: &actors.reviewing.key };
    transcript.paste(&order_command(&probity, "approve", &actors.in_review.order_id, &caller));

    transcript.words(
        "Return a result for the arranged order, as its vendor, with curl (the token is good for \
         2 hours):",
    );
    transcript.paste(&curl(url, &token, &actors.arranged, actors.now_ms));
    transcript.words(
        "Or with the official Python SDK, as it is (the same result twice is answered 0 twice):",
    );
    transcript.paste(&python(
        url,
        &app.app.app_id,
        &app.app_secret,
        &actors.arranged,
        actors.now_ms,
    ));
    transcript.words("See what became of it:");
    let caller = Caller { url, tenant_key: &actors.direct.tenant_key, key: &actors.direct.key };
    transcript.paste(&order_command(&probity, "show", &actors.arranged, &caller));
    Ok(())
}

/// How it ends.
pub(super) fn print_end(transcript: &Transcript) {
    transcript.words(
        "What reaches the vendor is told here. Ctrl-C stops the server and removes the data.",
    );
}

struct Caller<'a> {
    url: &'a str,
    tenant_key: &'a str,
    key: &'a str,
}

fn order_command(probity: &str, action: &str, order_id: &str, caller: &Caller<'_>) -> String {
    let Caller { url, tenant_key, key } = caller;
    format!(
        "{probity} order {action} {order_id} \\\n  --server {url} --tenant {tenant_key} \\\n  \
         --key {key}"
    )
}

fn curl(url: &str, token: &str, order_id: &str, now_ms: i64) -> String {
    let row = ROUTES.iter().find(|row| row.call == Call::UpdateResult);
    let path = row.expect("every call has its row").path;
    format!(
        "curl -sS {url}{path} \\\n  \
         -H 'Authorization: Bearer {token}' \\\n  \
         -H 'Content-Type: application/json; charset=utf-8' \\\n  \
         -d '{{\"background_check_id\": \"{order_id}\",\n       \
         \"result\": \"{RESULT}\", \"result_time\": \"{now_ms}\"}}'"
    )
}

fn python(url: &str, app_id: &str, app_secret: &str, order_id: &str, now_ms: i64) -> String {
    format!(
        "pip install lark-oapi\n\
         python3 - <<'EOF'\n\
         import lark_oapi as lark\n\
         from lark_oapi.api.hire.v1 import *\n\
         \n\
         client = lark.Client.builder().domain(\"{url}\") \\\n    \
         .app_id(\"{app_id}\").app_secret(\"{app_secret}\").build()\n\
         body = UpdateResultEcoBackgroundCheckRequestBody.builder() \\\n    \
         .background_check_id(\"{order_id}\") \\\n    \
         .result(\"{RESULT}\").result_time(\"{now_ms}\").build()\n\
         request = UpdateResultEcoBackgroundCheckRequest.builder().request_body(body).build()\n\
         response = client.hire.v1.eco_background_check.update_result(request)\n\
         print(response.code, response.msg, response.get_log_id())\n\
         EOF"
    )
}

fn own_path() -> String {
    let Ok(program) = std::env::current_exe() else { return "probity".to_owned() };
    shell_word(&from_folder(&program, std::env::current_dir().ok().as_deref()).to_string_lossy())
}

fn from_folder(program: &Path, folder: Option<&Path>) -> PathBuf {
    match folder.and_then(|folder| program.strip_prefix(folder).ok()) {
        // A bare name would be looked up in PATH.
        Some(below) if below.components().count() == 1 => Path::new(".").join(below),
        Some(below) => below.to_owned(),
        None => program.to_owned(),
    }
}

fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    const URL: &str = "http://127.0.0.1:65535";
    const ORDER: &str = "6931286400470354183";
    const NOW_MS: i64 = 1_795_000_000_000;

    #[test]
    fn what_is_pasted_fits_100_columns() {
        let key = format!("pbt_{}", "k".repeat(43));
        let caller = Caller { url: URL, tenant_key: "0123456789abcdef", key: &key };
        let approve = order_command("target/release/probity", "approve", ORDER, &caller);
        let curl = curl(URL, &format!("t-{}", "k".repeat(64)), ORDER, NOW_MS);
        let python = python(URL, "cli_0123456789abcdef", &"k".repeat(32), ORDER, NOW_MS);
        for text in [approve, curl, python] {
            assert!(text.lines().all(|line| width(line) <= 100), "{text}");
        }
    }

    #[test]
    fn both_snippets_return_the_same_result() {
        let (curl, python) =
            (curl(URL, "t-a", ORDER, NOW_MS), python(URL, "a", "b", ORDER, NOW_MS));
        for value in [ORDER, RESULT, "1795000000000"] {
            let quoted = format!("\"{value}\"");
            assert!(curl.contains(&quoted) && python.contains(&quoted), "{value}");
        }
    }

    #[test]
    fn the_program_is_found_from_the_current_folder() {
        let program = Path::new("/a/target/release/probity");
        let path = |folder| from_folder(program, Some(Path::new(folder)));
        assert_eq!(path("/a"), Path::new("target/release/probity"));
        assert_eq!(path("/a/target/release"), Path::new("./probity"));
        assert_eq!(path("/b"), program);
        assert_eq!(from_folder(program, None), program);
    }

    #[test]
    fn words_are_quoted_for_the_shell_where_they_have_to_be() {
        assert_eq!(shell_word("target/release/probity"), "target/release/probity");
        assert_eq!(shell_word("/my folder/it's"), r"'/my folder/it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
