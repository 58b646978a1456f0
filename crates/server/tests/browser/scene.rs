//! A tenant as its people see it after some weeks: orders in every state, reports that are real PDFs, names and reasons in two
//! languages.

use std::sync::Arc;

use bytes::Bytes;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::control::{
    ApproveOrder, CreateTenant, KeyRole, List, Mobile, Order, RejectOrder, TerminateOrder,
};
use contract::package::{CreatePackages, PackageEntry};
use domain::{Actor, Id, Roles};
use hub::tenants::Tenant;
use hub::{api_keys, orders, tenants, users};
use serde_json::{Map, Value, json};
use store::content::VersionFacts;
use store::report_versions::NewContent;
use store::reports::FetchOutcome;

use super::super::harness::{ITEM, PACKAGE, Seed, World, form};
use super::super::visitors::{PASSWORD, Person, invite};

/// A second package.
const SENIOR: &str = "pkg-senior";
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The tenant.
pub(crate) struct Office {
    people: Map<String, Value>,
    pub(crate) invitation: String,
    pub(crate) in_review: String,
    pub(crate) rejected: String,
    pub(crate) completed: String,
}

/// One who works there.
struct Member {
    name: &'static str,
    email: &'static str,
    roles: &'static [KeyRole],
}

const MEMBERS: [(&str, Member); 4] = [
    ("admin", Member { name: "陈晨", email: "chen@xinghe.example", roles: &[KeyRole::Admin] }),
    (
        "approver",
        Member {
            name: "王敏",
            email: "wang@xinghe.example",
            roles: &[KeyRole::Approver, KeyRole::Auditor],
        },
    ),
    (
        "recruiter",
        Member { name: "李红", email: "li@xinghe.example", roles: &[KeyRole::Recruiter] },
    ),
    (
        "auditor",
        Member { name: "Maria Jensen", email: "maria@xinghe.example", roles: &[KeyRole::Auditor] },
    ),
];

struct Maker<'w> {
    world: &'w World,
    seed: Seed,
    tenant: Arc<Tenant>,
    people: Vec<Actor>,
}

impl Office {
    pub(crate) async fn open(world: &World) -> Office {
        let body = CreateTenant {
            report_approval: true,
            four_eyes: true,
            ..CreateTenant::named("星河科技")
        };
        let seed = world.seed_with(&body, None, false).await;
        let tenant = tenants::find(&world.app.hub, seed.hirer.tenant_id).await.unwrap();
        for (_, member) in &MEMBERS {
            Person::join(world, &seed.hirer, member.name, member.email, member.roles).await;
        }
        let mut maker = Maker { world, seed, tenant, people: Vec::new() };
        maker.name_packages().await;
        maker.find_people().await;
        let (in_review, rejected, completed) = maker.orders().await;
        let invitation =
            invite(world, &maker.seed.hirer, "zhao@xinghe.example", &[KeyRole::Recruiter]).await;
        let login = |email: &str| json!({"email": email, "password": PASSWORD});
        let people = MEMBERS.iter().map(|(who, member)| ((*who).to_owned(), login(member.email)));
        Office { people: people.collect(), invitation, in_review, rejected, completed }
    }

    pub(crate) fn people(&self) -> Map<String, Value> {
        self.people.clone()
    }
}

/// A tenant without orders; its admin's way in.
pub(crate) async fn empty_office(world: &World) -> Value {
    let hirer = world.hirer_with(&CreateTenant::named("银河新材")).await;
    let email = "zhou@yinhe.example";
    Person::join(world, &hirer, "周宁", email, &[KeyRole::Admin]).await;
    json!({"email": email, "password": PASSWORD})
}

impl Maker<'_> {
    async fn name_packages(&self) {
        let entry = |id: &str, name: &str| PackageEntry {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
        };
        let packages = CreatePackages {
            account_id: self.seed.account.account_id.clone(),
            package_list: vec![entry(PACKAGE, "标准背调")],
            additional_item_list: vec![entry(ITEM, "海外学历")],
        };
        self.seed.vendor.update_packages(&packages).await.unwrap();
        let senior = CreatePackages {
            account_id: self.seed.account.account_id.clone(),
            package_list: vec![entry(SENIOR, "高管背调")],
            additional_item_list: Vec::new(),
        };
        self.seed.vendor.create_packages(&senior).await.unwrap();
    }

    async fn find_people(&mut self) {
        let hub = &self.world.app.hub;
        let (admin, _) = api_keys::authenticate(hub, &self.seed.hirer.key).await.unwrap().unwrap();
        let list =
            users::list(hub, &admin, Some(&self.tenant), List::default().into()).await.unwrap();
        for email in ["li@xinghe.example", "chen@xinghe.example", "wang@xinghe.example"] {
            let user = list.items.iter().find(|user| user.email == email).unwrap();
            let user_id: Id = user.user_id.parse().unwrap();
            self.people.push(Actor::user(user_id, Roles::of(&user.roles)));
        }
    }

    async fn place(&self, name: &str, number: &str, placer: usize) -> Order {
        let mut body = form(&self.seed.account.account_id);
        body.candidate_info.name = name.to_owned();
        body.candidate_info.mobile = Some(Mobile { code: "86".into(), number: number.to_owned() });
        body.comment = "候选人下周一入职".to_owned();
        if placer == 1 {
            body.package_id = SENIOR.to_owned();
        }
        let (hub, actor) = (&self.world.app.hub, &self.people[placer]);
        orders::place(hub, actor, &self.tenant, body.into(), None).await.unwrap()
    }

    fn wait(&self, ms: u64) {
        self.world.clock.advance_ms(ms);
    }

    async fn progress(&self, order: &Order, stage: &str, name: &str, english: &str) {
        let progress = UpdateProgress {
            background_check_id: order.order_id.clone(),
            stage_id: stage.to_owned(),
            stage_en_name: Some(english.to_owned()),
            stage_name: name.to_owned(),
            stage_time: self.world.clock.now().0,
            result: None,
            operator_role: OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        self.seed.vendor.update_progress(&progress).await.unwrap();
    }

    async fn result(&self, order: &Order, word: &str, names: &[&str]) {
        let report = |name: &&str| ReportFile {
            name: (*name).to_owned(),
            url: "https://files.chengcha.example/r.pdf".to_owned(),
            url_type: ReportUrlType::Download,
        };
        let result = UpdateResult {
            background_check_id: order.order_id.clone(),
            result: word.to_owned(),
            result_time: self.world.clock.now().0,
            operator_role: OperatorRole::Provider,
            report_file_list: names.iter().map(report).collect(),
        };
        self.seed.vendor.update_result(&result).await.unwrap();
    }

    /// Keeps what waits to be fetched, as the worker does.
    async fn fetch(&self, who: &str) {
        let (hub, now) = (&self.world.app.hub, self.world.clock.now());
        for claimed in hub.store.claim_reports(now, now.plus_ms(1_000), 10).await.unwrap() {
            let mut writer = hub.objects.create_behind(self.seed.hirer.tenant_id);
            writer.write(Bytes::from(pdf(who))).await.unwrap();
            let stored = writer.finish().await.unwrap();
            let facts = VersionFacts {
                source_host: "files.chengcha.example".to_owned(),
                findings: Vec::new(),
                scanner: None,
            };
            let content = NewContent {
                object_id: stored.object_id,
                key: store::Key::new(*stored.key),
                size_bytes: i64::try_from(stored.size_bytes).unwrap(),
                sha256: stored.sha256,
                fetched_at: now,
            };
            let outcome = FetchOutcome::Stored { content, facts };
            assert!(hub.store.finish_report(&claimed, &outcome).await.unwrap());
        }
    }

    async fn reject(&self, order: &Order, reason: &str) {
        let body = RejectOrder { reason: reason.to_owned(), result_number: None };
        let (hub, order_id) = (&self.world.app.hub, order.order_id.parse().unwrap());
        orders::reject(hub, &self.people[2], &self.tenant, order_id, body.into(), None)
            .await
            .unwrap();
    }

    /// Orders in every state; gives one in review, one that was sent back, one that is completed.
    async fn orders(&self) -> (String, String, String) {
        let (control, tenant_key) = (&self.seed.hirer.control, &self.seed.hirer.tenant_key);
        let gone = self.place("周八", "13400007720", 1).await;
        self.wait(DAY_MS);
        let body = TerminateOrder { reason: "候选人放弃 offer".to_owned() };
        control.terminate_order(tenant_key, &gone.order_id, &body).await.unwrap();
        let done = self.place("赵六", "13600004410", 0).await;
        self.wait(DAY_MS);
        self.progress(&done, "s1", "身份与户籍核验", "Identity").await;
        self.result(&done, "绿灯", &["终版报告"]).await;
        self.fetch("赵六").await;
        self.wait(HOUR_MS);
        let body = ApproveOrder {
            comment: Some("资料齐全，同意录用".to_owned()),
            result_number: None,
        };
        let (hub, order_id) = (&self.world.app.hub, done.order_id.parse().unwrap());
        orders::approve(hub, &self.people[2], &self.tenant, order_id, body.into(), None)
            .await
            .unwrap();
        let back = self.place("王五", "13700009981", 1).await;
        self.wait(DAY_MS);
        self.result(&back, "黄灯", &["终版报告"]).await;
        self.fetch("王五").await;
        self.wait(5 * HOUR_MS);
        self.reject(&back, "离职月份与简历不一致，请补充离职证明。").await;
        let maria = self.place("Maria Fernández", "600118118", 1).await;
        self.progress(&maria, "s1", "工作履历核验", "Employment verification").await;
        self.wait(DAY_MS);
        let zhang = self.place("张三", "13800000001", 0).await;
        self.wait(8 * HOUR_MS);
        self.progress(&zhang, "s1", "身份与户籍核验", "Identity and residence").await;
        self.wait(20 * HOUR_MS);
        self.progress(&zhang, "s2", "学历核验", "Degree").await;
        self.result(&zhang, "蓝灯", &["阶段性说明", "终版报告"]).await;
        self.fetch("张三").await;
        self.wait(20 * HOUR_MS);
        let nana = self.place("欧阳娜娜", "13900002207", 0).await;
        self.wait(3 * HOUR_MS);
        self.progress(&nana, "s1", "学历核验", "Degree").await;
        let qian = self.place("钱多多", "13500000034", 1).await;
        self.result(&qian, "绿灯", &["终版报告"]).await;
        self.fetch("钱多多").await;
        self.wait(3 * HOUR_MS);
        let smith = self.place("John Smith", "13300001212", 0).await;
        self.result(&smith, "no discrepancy", &["Final report"]).await;
        self.fetch("John Smith").await;
        self.wait(2 * HOUR_MS);
        (zhang.order_id, back.order_id, done.order_id)
    }
}

/// A page of text, in a font that every viewer brings or finds.
fn pdf(who: &str) -> Vec<u8> {
    let lines = [
        (20, 760, "背景调查报告（终版）".to_owned()),
        (11, 726, format!("委托单位：星河科技        候选人：{who}")),
        (11, 690, "核验项目            核验结论            说明".to_owned()),
        (11, 664, "身份信息            一致                公安系统核验".to_owned()),
        (11, 638, "学历                一致                学信网".to_owned()),
        (
            11,
            612,
            "工作履历            轻微差异            离职月份相差一个月，前雇主人事已说明"
                .to_owned(),
        ),
        (11, 586, "商业利益冲突        未发现".to_owned()),
    ];
    let mut text = String::from("BT ");
    for (size, y, line) in lines {
        let hex: String = line.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
        text.push_str(&format!("/F1 {size} Tf 1 0 0 1 72 {y} Tm <{hex}> Tj "));
    }
    text.push_str("ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>stream\n{text}\nendstream", text.len()),
        "<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>>".to_owned(),
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>\
         /DW 1000/W[1[500] 814 939 500]/FontDescriptor 7 0 R>>".to_owned(),
        "<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880/Descent -120\
         /CapHeight 880/StemV 93>>".to_owned(),
    ];
    let mut file = b"%PDF-1.5\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", at + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let end =
        format!("trailer<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    file.extend(end.bytes());
    file
}
