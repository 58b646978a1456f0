//! What happens in the demo: two hirers and their vendor, three orders, and one approval.

use anyhow::{Context as _, ensure};
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::control::{
    ApproveOrder, CandidateInfo, ClientContactInfo, CreateAccount, CreateApp, CreateTenant,
    CreatedApp, Mobile, Order, OrderState, PlaceOrder, Report, UpdateApp,
};
use contract::event::Event;
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use system::clock::Clock;

use super::receiver::{Received, Receiver};
use super::transcript::{Actor, Transcript};
use super::{asked_until, pdf};
use crate::output::wire_name;

const PACKAGE: &str = "standard";
const ITEM: &str = "litigation";

pub(super) struct Scenario<'s> {
    transcript: &'s Transcript,
    url: &'s str,
    operator: Control,
    receiver: Receiver,
    clock: Clock,
}

pub(super) struct Hirer {
    pub(super) tenant_key: String,
    pub(super) key: String,
    pub(super) control: Control,
    pub(super) app: CreatedApp,
    pub(super) vendor: Vendor,
    account_id: String,
}

pub(super) struct Served {
    pub(super) order_id: String,
    pub(super) content: Vec<u8>,
}

pub(super) struct Actors {
    pub(super) direct: Hirer,
    pub(super) reviewing: Hirer,
    pub(super) completed: Served,
    /// An order of `direct` whose vendor was notified, and nothing else.
    pub(super) arranged: String,
    pub(super) in_review: Served,
    pub(super) now_ms: i64,
}

struct Candidate {
    name: &'static str,
    mobile: &'static str,
    email: &'static str,
}

impl<'s> Scenario<'s> {
    pub(super) fn new(
        transcript: &'s Transcript,
        url: &'s str,
        operator_key: &str,
        receiver: Receiver,
    ) -> anyhow::Result<Scenario<'s>> {
        let operator = Control::new(url, operator_key)?;
        Ok(Scenario { transcript, url, operator, receiver, clock: Clock::system() })
    }

    pub(super) async fn play(&mut self) -> anyhow::Result<Actors> {
        self.transcript.heading("A hirer without review, and the vendor's app there");
        let direct = self.seed("星河科技", false).await?;
        self.transcript.heading("A hirer whose results wait for an approver");
        let reviewing = self.seed("远山集团", true).await?;

        self.transcript.heading("Without review: the result completes the order");
        let candidate =
            Candidate { name: "张三", mobile: "13800000001", email: "zhangsan@example.com" };
        let order_id = self.place(&direct, &candidate).await?;
        let completed = self.check(&direct, order_id, "绿灯", OrderState::Completed).await?;

        self.transcript.heading("With review: the result waits for an approver");
        let candidate =
            Candidate { name: "李四", mobile: "13800000002", email: "lisi@example.com" };
        let order_id = self.place(&reviewing, &candidate).await?;
        let in_review = self.check(&reviewing, order_id, "蓝灯", OrderState::InReview).await?;

        self.transcript.heading("Left as it is: an order whose result you can return");
        let candidate =
            Candidate { name: "王五", mobile: "13800000003", email: "wangwu@example.com" };
        let arranged = self.place(&direct, &candidate).await?;

        let now_ms = self.clock.now().0;
        Ok(Actors { direct, reviewing, completed, arranged, in_review, now_ms })
    }

    async fn seed(&mut self, name: &str, report_approval: bool) -> anyhow::Result<Hirer> {
        let body = CreateTenant { report_approval, ..CreateTenant::named(name) };
        let created = self.operator.create_tenant(&body).await.context("creating a tenant")?;
        let tenant_key = created.tenant.tenant_key;
        self.operator_called("POST /api/v1/tenants", &format!("{name}, {tenant_key}"));

        let scopes = [Scope::BackgroundCheckOrder, Scope::BackgroundCheckOrderReadonly];
        let body = CreateApp {
            name: "青松背调".into(),
            tenant_key: Some(tenant_key.clone()),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).to_vec(),
            encrypted: true,
            ..CreateApp::default()
        };
        let app = self.operator.create_app(&body).await.context("creating an app")?;
        self.operator_called("POST /api/v1/apps", &app.app.app_id);

        // Only now: the receiver needs the app's secrets before the first event comes.
        let callback_url = self.receiver.register(&app);
        let body = UpdateApp { callback_url: Some(Some(callback_url)), ..UpdateApp::default() };
        let updated = self.operator.update_app(&app.app.app_id, &body).await;
        updated.context("setting the callback URL")?;
        self.operator_called("PATCH /api/v1/apps/…", "callback_url set");

        let control = Control::new(self.url, &created.api_key)?;
        let granted = control.grant_prepared(&tenant_key, &app.app.app_id).await;
        granted.context("granting the app")?;
        self.hirer_called("POST /api/v1/tenants/…/apps/…/grant", "granted");
        let body = CreateAccount::new(&app.app.app_id, format!("{name}背调账号"));
        let account = control.create_account(&tenant_key, &body).await;
        let account_id = account.context("binding the account")?.account_id;
        let bound = format!("account {account_id}");
        self.transcript.call(
            Actor::Hirer,
            Actor::Probity,
            "POST /api/v1/tenants/…/accounts",
            &bound,
        );
        self.notified_of_account(&account_id).await?;

        let vendor = Vendor::new(self.url, &app.app.app_id, &app.app_secret)?;
        vendor.tenant_access_token().await.context("the vendor's token")?;
        self.vendor_called("POST …/tenant_access_token/internal", "code 0");
        vendor.create_packages(&packages(&account_id)).await.context("publishing packages")?;
        self.vendor_called("POST …/eco_background_check_packages", "code 0");
        let key = created.api_key;
        Ok(Hirer { tenant_key, key, control, app, vendor, account_id })
    }

    async fn notified_of_account(&mut self, account_id: &str) -> anyhow::Result<()> {
        let what = "hire.eco_account.created_v1 at the vendor";
        let event = self.receiver.wait_for(what, |received| match received {
            Received::Event(event @ Event::AccountCreated(body))
                if body.account_id == account_id =>
            {
                Some(event.clone())
            }
            _ => None,
        });
        tell_event(self.transcript, &event.await?);
        Ok(())
    }

    async fn place(&mut self, hirer: &Hirer, candidate: &Candidate) -> anyhow::Result<String> {
        let body = form(&hirer.account_id, candidate);
        let order = hirer.control.place_order(&hirer.tenant_key, &body).await;
        let order = order.context("placing an order")?;
        let order_id = order.order_id;
        self.hirer_called("POST /api/v1/tenants/…/orders", &format!("order {order_id}"));

        let what = "hire.eco_background_check.created_v1 at the vendor";
        let event = self.receiver.wait_for(what, |received| match received {
            Received::Event(event @ Event::CheckCreated(body))
                if body.background_check_id == order_id =>
            {
                Some(event.clone())
            }
            _ => None,
        });
        tell_event(self.transcript, &event.await?);
        Ok(order_id)
    }

    async fn check(
        &mut self,
        hirer: &Hirer,
        order_id: String,
        result: &str,
        state: OrderState,
    ) -> anyhow::Result<Served> {
        let progress = UpdateProgress {
            background_check_id: order_id.clone(),
            stage_id: "investigating".into(),
            stage_en_name: Some("Investigating".into()),
            stage_name: "调查中".into(),
            stage_time: self.clock.now().0,
            result: None,
            operator_role: OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        hirer.vendor.update_progress(&progress).await.context("update_progress")?;
        self.vendor_called("POST …/update_progress", "code 0, 调查中");

        let number = format!("Order {order_id}");
        let lines = [number.as_str(), "", "Identity: matches", "Employment: as stated"];
        let content = pdf::page("Background check", &lines);
        let name = format!("{order_id}.pdf");
        let report_url = self.receiver.publish(&name, &content);
        let report = ReportFile {
            name: "终版报告".into(),
            url: report_url,
            url_type: ReportUrlType::Download,
        };
        let body = UpdateResult {
            background_check_id: order_id.clone(),
            result: result.to_owned(),
            result_time: self.clock.now().0,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![report],
        };
        hirer.vendor.update_result(&body).await.context("update_result")?;
        self.vendor_called("POST …/update_result", &format!("code 0, {result}, 1 report"));

        let what = "the report's fetch from the vendor";
        let size_bytes = self.receiver.wait_for(what, |received| match received {
            Received::Fetched { path, size_bytes } if path.ends_with(&name) => Some(*size_bytes),
            _ => None,
        });
        tell_fetch(self.transcript, size_bytes.await?);
        self.look(hirer, &order_id, state, &content).await?;
        Ok(Served { order_id, content })
    }

    async fn look(
        &self,
        hirer: &Hirer,
        order_id: &str,
        state: OrderState,
        served: &[u8],
    ) -> anyhow::Result<()> {
        let (order, report) = asked_until("the report to be kept", async || {
            let order = hirer.control.get_order(&hirer.tenant_key, order_id).await?;
            let report = order.reports.first().filter(|report| report.has_content());
            Ok(report.cloned().map(|report| (order, report)))
        })
        .await?;
        ensure!(
            order.state == state,
            "expected order {order_id} to be {}, it is {}",
            state.as_str(),
            order.state.as_str()
        );
        self.hirer_called("GET /api/v1/tenants/…/orders/…", &seen(&order));

        let content = fetch_report(hirer, order_id, &report).await?;
        let (path, sha256) = ("GET …/reports/…/content", &report.sha256);
        let sha256 = sha256.as_deref().unwrap_or_default();
        let outcome =
            format!("{} bytes, sha256 {}…", content.len(), sha256.get(..8).unwrap_or(sha256));
        self.hirer_called(path, &outcome);
        ensure!(content == served, "expected the report to hold the bytes that the vendor served");
        Ok(())
    }

    pub(super) async fn approve(&self, actors: &Actors) -> anyhow::Result<()> {
        self.transcript.heading("The approver decides");
        let (hirer, order_id) = (&actors.reviewing, &actors.in_review.order_id);
        let body = ApproveOrder { comment: Some("材料齐全".into()), ..ApproveOrder::default() };
        let order = hirer.control.approve_order(&hirer.tenant_key, order_id, &body).await;
        self.hirer_called("POST …/orders/…/approve", &seen(&order.context("approving")?));
        Ok(())
    }

    pub(super) async fn listen(&mut self) -> anyhow::Result<()> {
        while let Some(received) = self.receiver.next().await {
            match received {
                Received::Event(event) => tell_event(self.transcript, &event),
                Received::Fetched { size_bytes, .. } => tell_fetch(self.transcript, size_bytes),
                Received::Refused(why) => {
                    self.transcript.words(&format!("The vendor refused a call: {why}."));
                }
            }
        }
        Ok(())
    }

    fn operator_called(&self, what: &str, outcome: &str) {
        self.transcript.call(Actor::Operator, Actor::Probity, what, outcome);
    }

    fn hirer_called(&self, what: &str, outcome: &str) {
        self.transcript.call(Actor::Hirer, Actor::Probity, what, outcome);
    }

    fn vendor_called(&self, what: &str, outcome: &str) {
        self.transcript.call(Actor::Vendor, Actor::Probity, what, outcome);
    }
}

pub(super) async fn fetch_report(
    hirer: &Hirer,
    order_id: &str,
    report: &Report,
) -> anyhow::Result<Vec<u8>> {
    let content = hirer.control.get_report_content(&hirer.tenant_key, order_id, &report.report_id);
    Ok(content.await.context("the report's content")?.bytes().await?)
}

fn seen(order: &Order) -> String {
    let conclusion = order.conclusion.as_deref().unwrap_or("no result yet");
    format!("{} ({}), {conclusion}", wire_name(&order.state), order.order_status)
}

fn tell_event(transcript: &Transcript, event: &Event) {
    let outcome = match event {
        Event::AccountCreated(body) => body.account_name.clone(),
        Event::CheckCreated(body) => {
            format!("{}, {}", body.candidate_info.name, body.package_id)
        }
        Event::CheckCanceled(body) => body.termination_reason.clone(),
        Event::CheckReturned(body) => body.return_reason.clone(),
    };
    transcript.call(Actor::Probity, Actor::Vendor, event.event_type().as_str(), &outcome);
}

fn tell_fetch(transcript: &Transcript, size_bytes: usize) {
    transcript.call(
        Actor::Probity,
        Actor::Vendor,
        "GET /reports/….pdf",
        &format!("{size_bytes} bytes"),
    );
}

fn packages(account_id: &str) -> CreatePackages {
    let entry = |id: &str, name: &str, description: &str| PackageEntry {
        id: id.into(),
        name: name.into(),
        description: Some(description.into()),
    };
    CreatePackages {
        account_id: account_id.to_owned(),
        package_list: vec![
            entry("basic", "基础背调", "身份与学历核实"),
            entry(PACKAGE, "标准背调", "身份、学历与工作履历核实"),
        ],
        additional_item_list: vec![entry(ITEM, "诉讼记录", "近五年公开诉讼记录")],
    }
}

fn form(account_id: &str, candidate: &Candidate) -> PlaceOrder {
    let mobile = |number: &str| Some(Mobile { code: "86".into(), number: number.into() });
    PlaceOrder {
        account_id: account_id.to_owned(),
        package_id: PACKAGE.into(),
        additional_item_id_list: vec![ITEM.into()],
        comment: "请优先核实最近一段工作履历".into(),
        candidate_info: CandidateInfo {
            name: candidate.name.into(),
            mobile: mobile(candidate.mobile),
            email: Some(candidate.email.into()),
            first_name: None,
            last_name: None,
        },
        client_contact_info: Some(ClientContactInfo {
            name: "赵六".into(),
            mobile: mobile("13900000000"),
            email: Some("hr@example.com".into()),
        }),
        ..PlaceOrder::default()
    }
}
