//! Orders in text.

use contract::control::{
    Mobile, Order, OrderCounts, OrderLine, OrderResult, OrderSummary, Report, Stage, TimelineEntry,
    WaitingReview,
};

use crate::account::show_fields;
use crate::output::{Row, Show, short_time, wire_name, yes_no};
use crate::table::Table;

impl Row for OrderSummary {
    const COLUMNS: &'static str = "ORDER|STATE|~PACKAGE|PLACED|CHANGED";

    fn cells(&self) -> Vec<String> {
        vec![
            self.order_id.clone(),
            wire_name(&self.state),
            self.package_id.clone(),
            short_time(&self.created_at),
            short_time(&self.updated_at),
        ]
    }
}

impl Row for OrderLine {
    const COLUMNS: &'static str = "ORDER|STATE|~CANDIDATE|~PACKAGE|~STAGE|~CONCLUSION|PLACED";

    fn cells(&self) -> Vec<String> {
        vec![
            self.summary.order_id.clone(),
            wire_name(&self.summary.state),
            self.candidate_name.clone(),
            self.summary.package_id.clone(),
            self.stage_name.clone().unwrap_or_default(),
            self.conclusion.clone().unwrap_or_default(),
            short_time(&self.summary.created_at),
        ]
    }
}

impl Row for WaitingReview {
    const COLUMNS: &'static str =
        "ORDER|WAITS SINCE|RESULT|~CONCLUSION|~CANDIDATE|OVERDUE|MAY DECIDE";

    fn cells(&self) -> Vec<String> {
        vec![
            self.line.summary.order_id.clone(),
            short_time(&self.returned_at),
            self.result_number.to_string(),
            self.line.conclusion.clone().unwrap_or_default(),
            self.line.candidate_name.clone(),
            yes_no(self.line.summary.review_overdue).into(),
            yes_no(self.may_decide).into(),
        ]
    }
}

impl Show for OrderCounts {
    fn show(&self, table: &mut Table) {
        for (name, count) in [
            ("arranged", self.arranged),
            ("in_review", self.in_review),
            ("review_withdrawn", self.review_withdrawn),
            ("rejected", self.rejected),
            ("completed", self.completed),
            ("terminated", self.terminated),
            ("total", self.total),
        ] {
            table.field(name, count.to_string());
        }
    }
}

impl Show for Order {
    fn show(&self, table: &mut Table) {
        table.field("order", &self.order_id);
        table.field("state", format!("{} ({})", wire_name(&self.state), self.order_status));
        table.optional("conclusion", self.conclusion.as_ref());
        table.field("account", &self.account_id);
        let form = &self.form;
        table.field("package", named(&self.package_id, form.package.as_ref().map(|it| &it.name)));
        let items = self.additional_item_id_list.iter().map(|id| {
            let found = form.additional_items.iter().find(|item| item.id == *id);
            named(id, found.map(|item| &item.name))
        });
        let items: Vec<_> = items.collect();
        table.optional("items", Some(items.join(", ")).filter(|items| !items.is_empty()));
        let candidate = &self.candidate_info;
        let email = candidate.email.as_deref();
        table.field("candidate", person(&candidate.name, candidate.mobile.as_ref(), email));
        if let Some(contact) = &self.client_contact_info {
            let email = contact.email.as_deref();
            table.field("contact", person(&contact.name, contact.mobile.as_ref(), email));
        }
        table.optional("comment", Some(self.comment.as_str()).filter(|text| !text.is_empty()));
        show_fields(table, &self.custom_field_list);
        table.optional("application", self.application_id.as_ref());
        table.optional("location", self.location_code.as_ref());
        table.field("placed", &self.created_at);
        table.field("changed", &self.updated_at);
        table.optional("ended", self.ended_at.as_ref());

        let columns = "REACHED|~STAGE|~RESULT|BY";
        table.section("stages", columns, &rows(&self.stages, stage));
        let columns = "NO|RECEIVED|~RESULT|BY";
        table.section("results", columns, &rows(&self.results, result));
        let columns = "REPORT|KIND|STATE|BYTES|~NAME";
        table.section("reports", columns, &rows(&self.reports, report));
        for report in &self.reports {
            if let Some(reason) = &report.failure_reason {
                table.field("  why", format!("{}: {reason}", report.report_id));
            }
            if report.is_refused {
                let way = "`probity report accept` takes it as it is, flagged";
                table.field("  refused", format!("{}: {way}", report.report_id));
            }
            if let Some(url) = &report.preview_url {
                table.field("  link", format!("{}: {url}", report.report_id));
            }
        }
        let columns = "AT|ACTION|BY|STATE|~NOTE";
        table.section("timeline", columns, &rows(&self.timeline, entry));
    }
}

fn named(id: &str, name: Option<&String>) -> String {
    name.map_or_else(|| id.to_owned(), |name| format!("{id} ({name})"))
}

fn rows<T>(entries: &[T], row: fn(&T) -> Vec<String>) -> Vec<Vec<String>> {
    entries.iter().map(row).collect()
}

fn person(name: &str, mobile: Option<&Mobile>, email: Option<&str>) -> String {
    let mobile = mobile.map(|mobile| format!("+{} {}", mobile.code, mobile.number));
    let parts = [Some(name.to_owned()), mobile, email.map(str::to_owned)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn stage(stage: &Stage) -> Vec<String> {
    vec![
        short_time(&stage.stage_time),
        stage.stage_name.clone(),
        stage.result.clone().unwrap_or_default(),
        role(stage.operator_role),
    ]
}

fn result(result: &OrderResult) -> Vec<String> {
    let (number, at) = (result.number.to_string(), short_time(&result.received_at));
    vec![number, at, result.result.clone(), role(result.operator_role)]
}

fn role(number: u32) -> String {
    match number {
        1 => "vendor".to_owned(),
        2 => "administrator".to_owned(),
        other => other.to_string(),
    }
}

fn report(report: &Report) -> Vec<String> {
    vec![
        report.report_id.clone(),
        wire_name(&report.kind),
        wire_name(&report.state),
        report.size_bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
        report.name.clone(),
    ]
}

fn entry(entry: &TimelineEntry) -> Vec<String> {
    vec![
        short_time(&entry.at),
        wire_name(&entry.action),
        entry.actor.clone(),
        wire_name(&entry.to_state),
        entry.note.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WIDTH;
    use crate::text::width;

    fn order() -> Order {
        serde_json::from_str(
            r#"{"order_id":"6931286400470354183","account_id":"6931286400470354184",
            "package_id":"pkg-basic","additional_item_id_list":["a","b"],"state":"in_review",
            "order_status":5,"conclusion":"绿灯","comment":"尽快","candidate_info":{"name":"张三",
            "mobile":{"code":"86","number":"13800000000"},"email":"z@example.com"},
            "custom_field_list":[{"key":"degree","value":"bachelor"}],
            "stages":[{"stage_id":"arranged","stage_name":"待安排","stage_time":
            "2026-03-01T08:00:00.000Z","operator_role":1,"reported_at":"2026-03-01T08:00:00.000Z"}],
            "results":[{"number":1,"result":"绿灯","result_time":"2026-03-02T08:00:00.000Z","operator_role":2,
            "received_at":"2026-03-02T08:00:00.500Z"}],
            "reports":[{"report_id":"6931286400470354185","kind":"final","name":"终版报告",
            "state":"failed","failure_reason":"the host answered 404","created_at":
            "2026-03-02T08:00:00.500Z"}],
            "timeline":[{"at":"2026-03-01T08:00:00.000Z","action":"placed","actor":
            "key:0123456789abcdef","to_state":"arranged"},{"at":"2026-03-02T08:00:00.500Z",
            "action":"result","actor":"cli_0123456789abcdef","rule":"result_with_review",
            "note":"一段很长的话一段很长的话一段很长的话一段很长的话一段很长的话一段很长的话",
            "from_state":"arranged","to_state":"in_review"}],
            "created_at":"2026-03-01T08:00:00.000Z","updated_at":"2026-03-02T08:00:00.500Z"}"#,
        )
        .unwrap()
    }

    #[test]
    fn an_order_reads_from_top_to_bottom_within_100_columns() {
        let mut table = Table::default();
        order().show(&mut table);
        let text = table.finish();
        let expected = "\
order       6931286400470354183
state       in_review (5)
conclusion  绿灯
account     6931286400470354184
package     pkg-basic
items       a, b
candidate   张三, +86 13800000000, z@example.com
comment     尽快
fields      degree=bachelor
placed      2026-03-01T08:00:00.000Z
changed     2026-03-02T08:00:00.500Z

stages
  REACHED               STAGE   RESULT  BY
  2026-03-01T08:00:00Z  待安排          vendor

results
  NO  RECEIVED              RESULT  BY
  1   2026-03-02T08:00:00Z  绿灯    administrator

reports
  REPORT               KIND   STATE   BYTES  NAME
  6931286400470354185  final  failed         终版报告
  why  6931286400470354185: the host answered 404

timeline
  AT                    ACTION  BY                    STATE      NOTE
  2026-03-01T08:00:00Z  placed  key:0123456789abcdef  arranged
  2026-03-02T08:00:00Z  result  cli_0123456789abcdef  in_review  一段很长的话一段很长的话一段很长的…
";
        assert_eq!(text, expected);
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
    }
}
