//! What happened in the demo's tenant before it is shown: some 300 orders over six months with three vendors of different
//! temper, as a list of steps in the order of their times. The same for each run but for the day on which it ends.

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;
/// How long ago it begins.
pub(super) const DAYS: i64 = 180;
const ORDERS: usize = 304;
/// The orders that end in a way of their own, counted from the newest.
const SENT_BACK: [usize; 2] = [34, 41];
/// Those whose result nobody has decided on, and how many hours ago it came.
const WAITING: [(usize, i64); 4] = [(9, 2), (13, 5), (18, 11), (24, 28)];
const WITHDRAWN: usize = 47;
const ENDED_BY_HIRER: [usize; 6] = [7, 26, 58, 103, 177, 250];
const ENDED_BY_VENDOR: [usize; 3] = [29, 140, 221];

/// A vendor and how it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VendorPlan {
    pub(super) name: &'static str,
    pub(super) is_english: bool,
    /// Id, name, words of its packages.
    pub(super) packages: [(&'static str, &'static str, &'static str); 2],
    /// Names of the stages, and the hours after the order was placed.
    pub(super) stages: &'static [(&'static str, i64)],
    /// Hours until the result.
    result_hours: i64,
    /// Of so many results one is sent back and corrected.
    corrected_of: usize,
    /// The conclusions by turns.
    conclusions: &'static [&'static str],
}

pub(super) const VENDORS: [VendorPlan; 3] = [
    VendorPlan {
        name: "诚查背调",
        is_english: false,
        packages: [
            ("standard", "标准背调", "身份、学历与工作履历核实"),
            ("executive", "高管背调", "标准背调，另加商业利益冲突与访谈"),
        ],
        stages: &[("身份与户籍核验", 5), ("学历核验", 26), ("工作履历核实", 44)],
        result_hours: 62,
        corrected_of: 23,
        conclusions: &["绿灯", "绿灯", "绿灯", "蓝灯", "绿灯", "黄灯", "绿灯", "绿灯", "蓝灯"],
    },
    VendorPlan {
        name: "慧信调查",
        is_english: false,
        packages: [
            ("basic", "基础背调", "身份与学历核实"),
            ("standard", "标准背调", "身份、学历与工作履历核实"),
        ],
        stages: &[("身份核验", 30), ("学历核验", 92), ("工作履历核实", 150)],
        result_hours: 196,
        corrected_of: 6,
        conclusions: &["无差异", "无差异", "轻微差异", "无差异", "红灯", "无差异", "轻微差异"],
    },
    VendorPlan {
        name: "Honest Checks",
        is_english: true,
        packages: [
            ("international", "International standard", "Identity, education, employment abroad"),
            ("education", "Education only", "Degrees, confirmed by the university"),
        ],
        stages: &[("Identity", 20), ("Employment verification", 58)],
        result_hours: 110,
        corrected_of: 11,
        conclusions: &["No discrepancy", "No discrepancy", "Minor discrepancy", "No discrepancy"],
    },
];

/// Why results were sent back, by turns; the vendor's language counts.
pub(super) fn rejection(order: usize, is_english: bool) -> &'static str {
    let (chinese, english) = (
        ["离职月份与候选人所述不一致，请再核实", "缺少学历证明页", "报告中的姓名与订单不符"],
        ["The second employer is missing", "Please add the university's confirmation"],
    );
    if is_english { english[order % english.len()] } else { chinese[order % chinese.len()] }
}

/// Why orders were ended.
pub(super) fn ending(order: usize) -> &'static str {
    ["候选人放弃 offer", "岗位取消", "The candidate withdrew", "重复下单"][order % 4]
}

/// What a decision says, where it says anything.
pub(super) fn comment(order: usize) -> Option<&'static str> {
    [Some("材料齐全"), None, None, Some("同意录用"), None, Some("Fine with us")][order % 6]
}

/// Who is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CandidatePlan {
    pub(super) name: String,
    pub(super) code: &'static str,
    pub(super) number: String,
    pub(super) email: String,
}

/// One order: what it is, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderPlan {
    pub(super) vendor: usize,
    pub(super) package: usize,
    pub(super) candidate: CandidatePlan,
    /// Which of the recruiters placed it.
    pub(super) recruiter: usize,
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Place,
    Stage(usize),
    /// The result, and which version of it; its conclusion.
    Return(u32, &'static str),
    Approve,
    Reject,
    Withdraw,
    Terminate,
    Cancel,
}

/// A deed on an order, by its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at_ms: i64,
    pub(super) order: usize,
    pub(super) deed: Deed,
}

/// The orders, and everything that was done until `now_ms`, the oldest first.
pub(super) fn make(now_ms: i64) -> (Vec<OrderPlan>, Vec<Step>) {
    let orders: Vec<OrderPlan> = (0..ORDERS).map(order).collect();
    let mut steps = Vec::new();
    for (index, plan) in orders.iter().enumerate() {
        add_steps(&mut steps, index, plan, now_ms);
    }
    steps.retain(|step| step.at_ms <= now_ms);
    steps.sort_by_key(|step| (step.at_ms, step.order));
    (orders, steps)
}

/// More and more by the month, in office hours of China.
fn placed_at(order: usize, now_ms: i64) -> i64 {
    let part = (order as f64 + 1.0) / ORDERS as f64;
    let at_ms = now_ms - DAYS * DAY_MS + (part.sqrt() * (DAYS * DAY_MS) as f64) as i64;
    let minute = (order as i64 * 37) % 520;
    // 9 o'clock in China is 1 o'clock in UTC. What would lie ahead was placed a little while ago.
    let at_ms = at_ms - at_ms.rem_euclid(DAY_MS) + HOUR_MS + minute * MINUTE_MS;
    at_ms.min(now_ms - (ORDERS - order) as i64 * 11 * MINUTE_MS)
}

fn order(index: usize) -> OrderPlan {
    let vendor = [0, 1, 0, 2, 0, 1, 0, 0, 1, 2][index % 10];
    let candidate =
        if VENDORS[vendor].is_english { foreigner(index) } else { chinese_candidate(index) };
    let package = usize::from(index % 4 == 3);
    OrderPlan { vendor, package, candidate, recruiter: usize::from(index % 5 > 2) }
}

fn chinese_candidate(index: usize) -> CandidatePlan {
    const FAMILY: [&str; 17] = [
        "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "马", "欧阳", "林",
        "郑", "何",
    ];
    const GIVEN: [&str; 19] = [
        "伟", "娜", "敏", "静", "磊", "洋", "思远", "雨桐", "子涵", "建国", "晓燕", "志强", "佳怡",
        "梓萱", "浩然", "丽华", "海涛", "婷婷", "一鸣",
    ];
    let name = format!("{}{}", FAMILY[index * 7 % FAMILY.len()], GIVEN[index * 5 % GIVEN.len()]);
    let number = format!("13{}0000{:04}", 1 + index % 9, index * 37 % 10_000);
    let email = format!("candidate{index}@example.com");
    CandidatePlan { name, code: "86", number, email }
}

fn foreigner(index: usize) -> CandidatePlan {
    const NAMES: [(&str, &str, &str); 9] = [
        ("Maria Fernández", "34", "600000118"),
        ("James O'Connor", "353", "850000412"),
        ("Aisha Rahman", "44", "7700900123"),
        ("Jürgen Groß", "49", "15200000731"),
        ("Sofia Rossi", "39", "3200000642"),
        ("Nguyen Minh Anh", "84", "900000277"),
        ("Daniel Kim", "82", "1000000935"),
        ("Claire Dubois", "33", "600000308"),
        ("Priya Natarajan", "91", "9000000554"),
    ];
    let (name, code, number) = NAMES[index / 3 % NAMES.len()];
    let email = format!("applicant{index}@example.com");
    CandidatePlan { name: name.to_owned(), code, number: number.to_owned(), email }
}

fn add_steps(steps: &mut Vec<Step>, order: usize, plan: &OrderPlan, now_ms: i64) {
    let placed_ms = placed_at(order, now_ms);
    let vendor = VENDORS[plan.vendor];
    // No two orders take the same time.
    let pace = 80 + (order as i64 * 53) % 60;
    let after = |hours: i64| placed_ms + hours * HOUR_MS * pace / 100;
    let mut add = |at_ms, deed| steps.push(Step { at_ms, order, deed });
    add(placed_ms, Deed::Place);
    let from_newest = ORDERS - 1 - order;
    let waiting = WAITING.iter().find(|(waiting, _)| *waiting == from_newest);
    let waiting_ms = waiting.map(|(_, hours)| now_ms - hours * HOUR_MS);
    let end_ms = after(vendor.result_hours / 2);
    let end = if ENDED_BY_HIRER.contains(&from_newest) {
        Some(Deed::Terminate)
    } else {
        ENDED_BY_VENDOR.contains(&from_newest).then_some(Deed::Cancel)
    };
    for (index, (_, hours)) in vendor.stages.iter().enumerate() {
        let before_ms = end.map(|_| end_ms).or(waiting_ms).unwrap_or(i64::MAX);
        if after(*hours) < before_ms {
            add(after(*hours), Deed::Stage(index));
        }
    }
    if let Some(end) = end {
        return add(end_ms, end);
    }
    let conclusion = vendor.conclusions[order % vendor.conclusions.len()];
    let returned_ms = waiting_ms.unwrap_or(after(vendor.result_hours));
    let decided_ms = |returned_ms| returned_ms + (2 + order as i64 * 7 % 27) * HOUR_MS;
    add(returned_ms, Deed::Return(1, conclusion));
    if waiting.is_some() {
        return;
    }
    let decided = decided_ms(returned_ms);
    if SENT_BACK.contains(&from_newest) {
        add(decided, Deed::Reject);
    } else if from_newest == WITHDRAWN {
        add(decided, Deed::Withdraw);
    } else if order % vendor.corrected_of == vendor.corrected_of - 1 {
        add(decided, Deed::Reject);
        let corrected = decided + vendor.result_hours * HOUR_MS / 4;
        add(corrected, Deed::Return(2, conclusion));
        add(decided_ms(corrected), Deed::Approve);
    } else {
        add(decided, Deed::Approve);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_tenant_has_orders_in_every_state() {
        for hour in 0..24 {
            look_at(1_796_000_000_000 + hour * HOUR_MS);
        }
    }

    fn look_at(now_ms: i64) {
        let (orders, steps) = make(now_ms);
        let mut last = HashMap::new();
        for pair in steps.windows(2) {
            assert!(pair[0].at_ms <= pair[1].at_ms && pair[1].at_ms <= now_ms);
        }
        for step in &steps {
            assert_eq!(step.deed == Deed::Place, !last.contains_key(&step.order), "{step:?}");
            assert!(step.at_ms >= now_ms - DAYS * DAY_MS);
            last.insert(step.order, step.deed);
        }
        let count = |is: &dyn Fn(Deed) -> bool| last.values().filter(|deed| is(**deed)).count();
        assert_eq!(last.len(), orders.len());
        assert_eq!(count(&|deed| deed == Deed::Reject), 2);
        assert_eq!(count(&|deed| deed == Deed::Withdraw), 1);
        assert_eq!(count(&|deed| matches!(deed, Deed::Terminate | Deed::Cancel)), 9);
        let in_review = count(&|deed| matches!(deed, Deed::Return(..)));
        assert!((4..20).contains(&in_review), "{in_review}");
        let under_way = count(&|deed| matches!(deed, Deed::Place | Deed::Stage(_)));
        assert!((12..60).contains(&under_way), "{under_way}");
        assert!(count(&|deed| deed == Deed::Approve) > 200);
    }

    #[test]
    fn each_vendor_has_orders_and_corrections() {
        let (orders, steps) = make(1_796_000_000_000);
        for vendor in 0..VENDORS.len() {
            let of = |step: &&Step| orders[step.order].vendor == vendor;
            let corrected = |step: &&Step| matches!(step.deed, Deed::Return(2, _));
            assert!(steps.iter().filter(of).filter(corrected).count() > 1, "{vendor}");
        }
    }
}
