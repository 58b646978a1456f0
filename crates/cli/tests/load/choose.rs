//! What a client calls next: any call on any of its orders, with the answer that the rules demand.

use contract::control::{
    ApproveOrder, CandidateInfo, Mobile, OrderState, PlaceOrder, RejectOrder, TerminateOrder,
    TimelineAction,
};
use contract::package::{CreatePackages, PackageEntry};
use serde::Serialize;
use serde_json::{Value, json};

use super::book::Entry;
use super::call::{Call, Caller, Effect};
use super::client::Client;
use super::wall_clock;

impl Client {
    /// A progress on the client's newest order, to be sent by other means, and the token for it.
    pub(crate) fn progress(&mut self) -> (Call, String) {
        let order = self.orders.len() - 1;
        (self.vendor_call(order, TimelineAction::Progress), self.token.clone())
    }

    pub(super) fn choose(&mut self) -> Call {
        let is_open = |place: &usize| !self.orders[*place].is_final();
        let open: Vec<usize> = (0..self.orders.len()).filter(is_open).collect();
        match self.random.below(100) {
            0..2 => return self.create_package(),
            2..6 => return self.fetch_token(),
            6..14 => {
                if let Some(last) = &self.last {
                    return last.clone();
                }
            }
            14..26 => return self.place(),
            _ => {}
        }
        if open.len() < 2 {
            return self.place();
        }
        // Now and then one that has ended, which must refuse everything.
        let order = match self.random.is(4) {
            true => self.random.below(self.orders.len()),
            false => self.random.pick(&open),
        };
        use TimelineAction::{
            Approved, Canceled, Placed, Progress, Rejected, Result, Terminated, Withdrawn,
        };
        let is_in_review = self.orders[order].state() == OrderState::InReview;
        let action = match self.random.below(100) {
            0..45 => Progress,
            45..50 => Canceled,
            50..56 => Terminated,
            56..62 => Withdrawn,
            62..70 => Rejected,
            70..80 if is_in_review => Approved,
            _ => Result,
        };
        match action {
            Progress | Result | Canceled => self.vendor_call(order, action),
            Approved | Rejected | Withdrawn | Terminated => self.hirer_call(order, action),
            Placed | TimelineAction::ReviewOverdue => unreachable!("nobody asks for it twice"),
        }
    }

    /// The code of the refusal that the order's state demands, else the state that follows.
    fn rule(&self, order: usize, action: TimelineAction) -> Result<OrderState, &'static str> {
        use OrderState::{Completed, InReview, Rejected, ReviewWithdrawn, Terminated};
        let from = self.orders[order].state();
        let is_final = matches!(from, Completed | Terminated);
        match action {
            TimelineAction::Progress | TimelineAction::Result if is_final => Err("1002858"),
            TimelineAction::Progress => Ok(from),
            TimelineAction::Result if from == InReview => Err("1002863"),
            TimelineAction::Result if self.review => Ok(InReview),
            TimelineAction::Result => Ok(Completed),
            TimelineAction::Canceled if from == Completed => Err("1002858"),
            TimelineAction::Canceled => Ok(Terminated),
            TimelineAction::Terminated if is_final => Err("illegal_state"),
            TimelineAction::Terminated => Ok(Terminated),
            _ if from != InReview => Err("illegal_state"),
            TimelineAction::Approved => Ok(Completed),
            TimelineAction::Rejected => Ok(Rejected),
            _ => Ok(ReviewWithdrawn),
        }
    }

    /// A name that is used once.
    fn name(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what}-{}-{}", self.number, self.serial)
    }

    fn anonymous(&self, kind: &'static str, path: &str, body: &impl Serialize) -> Call {
        Call {
            kind,
            caller: Caller::Anonymous,
            path: path.to_owned(),
            idempotency_key: None,
            body: serde_json::to_vec(body).unwrap(),
            refusal: None,
            effect: Effect::Nothing,
            is_repeat: false,
        }
    }

    pub(super) fn fetch_token(&self) -> Call {
        let body = json!({"app_id": self.app_id, "app_secret": self.app_secret});
        let path = "/open-apis/auth/v3/tenant_access_token/internal";
        Call { effect: Effect::Token, ..self.anonymous("token", path, &body) }
    }

    pub(super) fn create_package(&mut self) -> Call {
        let id = self.name("pkg");
        let entry =
            PackageEntry { id: id.clone(), name: "标准套餐".to_owned(), description: None };
        let body = CreatePackages {
            account_id: self.account_id.clone(),
            package_list: vec![entry],
            additional_item_list: Vec::new(),
        };
        let path = "/open-apis/hire/v1/eco_background_check_packages";
        let call = self.anonymous("package", path, &body);
        Call { caller: Caller::Vendor, effect: Effect::Package(id), ..call }
    }

    fn hirer(&mut self, kind: &'static str, tail: &str, body: &impl Serialize) -> Call {
        let key = self.name("key");
        let path = format!("/api/v1/tenants/{}/orders{tail}", self.tenant_key);
        let call = self.anonymous(kind, &path, body);
        Call { caller: Caller::Hirer, idempotency_key: Some(key), ..call }
    }

    pub(super) fn place(&mut self) -> Call {
        let body = PlaceOrder {
            account_id: self.account_id.clone(),
            package_id: self.packages[self.random.below(self.packages.len())].clone(),
            candidate_info: CandidateInfo {
                name: "张三".to_owned(),
                mobile: Some(Mobile { code: "86".to_owned(), number: "13800000000".to_owned() }),
                ..CandidateInfo::default()
            },
            application_id: Some(self.name("application")),
            ..PlaceOrder::default()
        };
        Call { effect: Effect::Place, ..self.hirer("place", "", &body) }
    }

    fn hirer_call(&mut self, order: usize, action: TimelineAction) -> Call {
        let text = self.name("reason");
        let order_id = self.orders[order].order_id.clone();
        let tail = |verb: &str| format!("/{order_id}/{verb}");
        let mut note = Some(text.clone());
        let mut call = match action {
            TimelineAction::Approved => {
                let body = ApproveOrder { comment: note.clone(), result_number: None };
                self.hirer("approve", &tail("approve"), &body)
            }
            TimelineAction::Rejected => self.hirer(
                "reject",
                &tail("reject"),
                &RejectOrder { reason: text, result_number: None },
            ),
            TimelineAction::Terminated => {
                self.hirer("terminate", &tail("terminate"), &TerminateOrder { reason: text })
            }
            _ => {
                note = None;
                self.hirer("withdraw", &tail("withdraw"), &json!({}))
            }
        };
        match self.rule(order, action) {
            Ok(to) => call.effect = Effect::Change(order, Entry::new(action, to, note)),
            Err(code) => call.refusal = Some(code),
        }
        call
    }

    fn vendor_call(&mut self, order: usize, action: TimelineAction) -> Call {
        let reports: Vec<Value> = match action {
            TimelineAction::Canceled => Vec::new(),
            _ => (0..self.random.below(3)).map(|_| self.report()).collect(),
        };
        let names = reports.iter().filter_map(|report| report["report_name"].as_str());
        let names: Vec<String> = names.map(str::to_owned).collect();
        let milliseconds = i64::try_from(wall_clock().as_millis()).unwrap();
        let stage_time = milliseconds.max(self.orders[order].stage_time() + 1);
        let mut body = json!({"background_check_id": self.orders[order].order_id});
        let mut entry = Entry::new(action, OrderState::Arranged, None);
        let (kind, tail) = match action {
            TimelineAction::Progress => {
                let stage_id = self.name("stage");
                body["stage_id"] = json!(stage_id);
                body["stage_name"] = json!("学历核验");
                body["stage_time"] = json!(stage_time.to_string());
                body["report_file_list"] = json!(reports);
                entry.stage_time = stage_time;
                entry.text = Some(stage_id);
                ("progress", "update_progress")
            }
            TimelineAction::Result => {
                let result = self.name("无差异");
                body["result"] = json!(result);
                body["result_time"] = json!(stage_time.to_string());
                body["report_file_list"] = json!(reports);
                entry.text = Some(result);
                ("result", "update_result")
            }
            _ => ("cancel", "cancel"),
        };
        entry.reports = names;
        let path = format!("/open-apis/hire/v1/eco_background_checks/{tail}");
        let call = self.anonymous(kind, &path, &body);
        let mut call = Call { caller: Caller::Vendor, ..call };
        let is_terminated = self.orders[order].state() == OrderState::Terminated;
        match self.rule(order, action) {
            // What the vendor cancels again stays as it is.
            Ok(_) if is_terminated => call.effect = Effect::Again(None),
            Ok(to) => call.effect = Effect::Change(order, Entry { to, ..entry }),
            Err(code) => call.refusal = Some(code),
        }
        call
    }

    /// A link to look at, or one in five times a PDF to fetch.
    fn report(&mut self) -> Value {
        let name = self.name("report");
        let url = match self.has_fetches && self.random.is(20) {
            true => format!("{}/report.pdf", self.report_host),
            false => {
                let url = format!("https://vendor.example/{name}");
                return json!({"report_name": name, "report_url": url, "report_url_type": 2});
            }
        };
        json!({"report_name": name, "report_url": url})
    }
}
