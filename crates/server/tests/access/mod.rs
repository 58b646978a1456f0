//! An order with everything that can be reported of a person, and the names and keys to ask for it.

use contract::control::{
    ApproveOrder, CreateInvitation, CreateServiceAccount, CreateTenant, KeyRole, RejectOrder,
};

use super::harness::{self, Hirer, World};
use super::peer::{Peer, Reply, answer};
use super::persons::{join, of};

/// What stands in the paths.
#[derive(Clone, Default)]
pub(crate) struct Names {
    pub(crate) tenant_key: String,
    pub(crate) app_id: String,
    pub(crate) account_id: String,
    pub(crate) order_id: String,
    pub(crate) report_id: String,
    pub(crate) event_id: String,
    pub(crate) key_id: String,
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    pub(crate) invitation_id: String,
    pub(crate) service_account_id: String,
    pub(crate) template_id: String,
}

/// A key of a role.
pub(crate) async fn key(world: &World, hirer: &Hirer, role: &str) -> String {
    match role {
        "operator" => world.operator_key.clone(),
        "admin" => hirer.key.clone(),
        role => world.member_key(hirer, role).await,
    }
}

/// A person who is signed in, an invitation and a service account of the tenant; of all else no names.
pub(crate) async fn people(world: &World, hirer: &Hirer) -> Names {
    let person = join(world, hirer, "canary-person@qiming.example", &[KeyRole::Auditor]).await;
    let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
    let session = of(world, &person.cookie).await;
    let invitation = CreateInvitation {
        email: "canary-invited@qiming.example".to_owned(),
        roles: vec![KeyRole::Auditor],
    };
    let invitation = control.create_invitation(tenant_key, &invitation).await.unwrap();
    let account = CreateServiceAccount { name: "ATS".to_owned(), description: String::new() };
    let account = control.create_service_account(tenant_key, &account).await.unwrap();
    Names {
        user_id: person.user_id.to_string(),
        session_id: session.session_id.to_string(),
        invitation_id: invitation.invitation.invitation_id,
        service_account_id: account.service_account_id,
        ..Names::default()
    }
}

/// What is reported of a person, by whom it is seen: the roles of the call that shows it to those who may.
pub(crate) const CANARIES: [(&str, &str); 16] = [
    ("canary-person@qiming.example", "/tenants/{tenant_key}/users"),
    ("canary-invited@qiming.example", "/tenants/{tenant_key}/invitations"),
    ("鸢尾甲", "/tenants/{tenant_key}/orders/{order_id}"),
    ("13811112222", "/tenants/{tenant_key}/orders/{order_id}"),
    ("canary.mail@example.com", "/tenants/{tenant_key}/orders/{order_id}"),
    ("鸢尾乙附言", "/tenants/{tenant_key}/orders/{order_id}"),
    ("鸢尾丙阶段", "/tenants/{tenant_key}/orders/{order_id}"),
    ("鸢尾丁中间结果", REPORTS),
    ("鸢尾戊中间报告", REPORTS),
    ("鸢尾己结论", REPORTS),
    ("鸢尾庚报告", REPORTS),
    ("canary-preview", REPORTS),
    ("鸢尾辛退回", REPORTS),
    ("鸢尾壬批准", REPORTS),
    ("canary-answer", "/tenants/{tenant_key}/events/{event_id}/deliveries"),
    ("鸢尾癸理由", "/tenants/{tenant_key}/reason_templates"),
];
const REPORTS: &str = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/versions";

/// An order with everything that can be reported of a person, and its events.
pub(crate) struct Sample {
    pub(crate) hirer: Hirer,
    pub(crate) names: Names,
    /// A recruiter sees its own orders alone: the one who placed it.
    recruiter_key: String,
}

impl Sample {
    pub(crate) async fn tell(world: &World) -> Sample {
        use contract::check::{
            OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult,
        };
        let receiver = Peer::start(|_, _| Reply::Whole(answer(500, "", b"canary-answer"))).await;
        let tenant = CreateTenant { report_approval: true, ..CreateTenant::named("星河科技") };
        let seed = world.seed_with(&tenant, Some(&receiver.url("/")), false).await;
        let hirer = &seed.hirer;
        let mut form = harness::form(&seed.account.account_id);
        form.candidate_info.name = "鸢尾甲".to_owned();
        form.candidate_info.mobile.as_mut().unwrap().number = "13811112222".to_owned();
        form.candidate_info.email = Some("canary.mail@example.com".to_owned());
        form.comment = "鸢尾乙附言".to_owned();
        let recruiter_key = key(world, hirer, "recruiter").await;
        let tenant_key = &hirer.tenant_key;
        let recruiter = world.control(&recruiter_key);
        let order_id = recruiter.place_order(tenant_key, &form).await.unwrap().order_id;
        let file = |name: &str| ReportFile {
            name: name.to_owned(),
            url: "https://vendor.example/canary-preview".to_owned(),
            url_type: ReportUrlType::Preview,
        };
        let progress = UpdateProgress {
            background_check_id: order_id.clone(),
            stage_id: "s1".to_owned(),
            stage_en_name: None,
            stage_name: "鸢尾丙阶段".to_owned(),
            stage_time: 1_795_003_000_000,
            result: Some("鸢尾丁中间结果".to_owned()),
            operator_role: OperatorRole::Provider,
            report_file_list: vec![file("鸢尾戊中间报告")],
        };
        seed.vendor.update_progress(&progress).await.unwrap();
        let result = UpdateResult {
            background_check_id: order_id.clone(),
            result: "鸢尾己结论".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![file("鸢尾庚报告")],
        };
        seed.vendor.update_result(&result).await.unwrap();
        let approver = world.control(&key(world, hirer, "approver").await);
        let reject = RejectOrder { reason: "鸢尾辛退回".to_owned(), result_number: None };
        approver.reject_order(tenant_key, &order_id, &reject).await.unwrap();
        // An identical repeat would change nothing.
        let again = UpdateResult { result_time: result.result_time + 1, ..result };
        seed.vendor.update_result(&again).await.unwrap();
        let approve =
            ApproveOrder { comment: Some("鸢尾壬批准".to_owned()), result_number: None };
        approver.approve_order(tenant_key, &order_id, &approve).await.unwrap();
        world.settle().await;

        let order = hirer.control.get_order(tenant_key, &order_id).await.unwrap();
        let events = hirer.control.list_events(tenant_key, &Default::default()).await.unwrap();
        let keys = hirer.control.list_api_keys(tenant_key, &Default::default()).await.unwrap();
        let template = contract::control::CreateReasonTemplate {
            name: "退回".to_owned(),
            text: "鸢尾癸理由".to_owned(),
        };
        let template = hirer.control.create_reason_template(tenant_key, &template).await.unwrap();
        let of_order = |it: &&contract::control::Event| it.order_id.as_ref() == Some(&order_id);
        let names = Names {
            tenant_key: tenant_key.clone(),
            app_id: seed.app.app.app_id.clone(),
            account_id: seed.account.account_id.clone(),
            report_id: order.reports[0].report_id.clone(),
            event_id: events.items.iter().find(of_order).unwrap().event_id.clone(),
            key_id: keys.items[0].key_id.clone(),
            template_id: template.template_id,
            order_id,
            ..people(world, hirer).await
        };
        Sample { hirer: seed.hirer, names, recruiter_key }
    }

    pub(crate) async fn key(&self, world: &World, role: &str) -> String {
        match role {
            "recruiter" => self.recruiter_key.clone(),
            role => key(world, &self.hirer, role).await,
        }
    }
}
