//! What an order is found by, and what not: tables of cases.

use super::*;

const ORDER: Searched<'_> = Searched {
    candidate: Candidate {
        name: "张小鱼",
        first_name: "Xiǎoyú",
        last_name: "Zhang",
        mobile_code: "86",
        mobile_number: "13800001234",
        email: "Zhang.Xiaoyu@Example.com",
    },
    application_id: "APP-2026/001",
};

fn is_found(order: &Searched<'_>, typed: &str) -> bool {
    let Some(query) = Query::new(typed) else { return false };
    let terms = terms(order);
    let is_in_index = query.terms().iter().all(|term| terms.contains(term));
    let fits = query.fits(order);
    assert!(is_in_index || !fits, "{typed:?} fits and is not in the index");
    fits
}

#[test]
fn an_order_is_found_by_what_it_holds() {
    for typed in [
        "张",
        "鱼",
        "张小",
        "小鱼",
        "张小鱼",
        " 张 小鱼 ",
        "张\u{3000}鱼",
        "鱼 张",
        "张小鱼\u{200b}",
        "z",
        "ZHANG",
        "zhangx",
        "zhang xiao",
        "xiaoyu zhang",
        "Ｘiaoyu",
        "xiǎoyú",
        "zhangxiaoyu",
        "xiaoyuzhang",
        "13800001234",
        "138 0000 1234",
        "138-0000-1234",
        "+86 138 0000 1234",
        "+8613800001234",
        "0086 138 0000 1234",
        "8613800001234",
        "(+86)13800001234",
        "１３８００００１２３４",
        "zhang.xiaoyu@example.com",
        " ZHANG.XIAOYU@EXAMPLE.COM ",
        "app-2026/001",
        "APP 2026",
        "app",
        "2026",
        "001",
        "张小鱼 13800001234",
        "张 zhang 138 0000 1234 app",
    ] {
        assert!(is_found(&ORDER, typed), "{typed:?}");
    }
}

#[test]
fn an_order_is_not_found_by_anything_else() {
    for typed in [
        "",
        " ",
        "!",
        "·",
        "\0",
        "李",
        "张鱼",
        "鱼小",
        "hang",
        "iaoyu",
        "zhangxiaoyuan",
        "3800001234",
        "1380000123",
        "00001234",
        "23800001234",
        "xiaoyu@example.com",
        "zhang.xiaoyu@example.co",
        "zhang@example.com",
        "2026-001",
        "02",
        "张小鱼 13800001235",
        "ap",
    ] {
        assert!(!is_found(&ORDER, typed), "{typed:?}");
    }
}

#[test]
fn accents_case_and_signs_of_names_do_not_matter() {
    let named = |name| Searched {
        candidate: Candidate { name, ..Candidate::default() },
        ..Searched::default()
    };
    for (name, typed) in [
        ("Zoë Müller-Łukasz", "zoe muller lukasz"),
        ("Zoe\u{308} Mu\u{308}ller", "zoë müller"),
        ("Jürgen Strauß", "strauss"),
        ("STRAUSS", "strauß"),
        ("O’Brien", "o'brien"),
        ("O'Brien", "obrien"),
        ("İbrahim Işık", "ibrahim isik"),
        ("阿卜杜拉·买买提", "阿卜杜拉•买买提"),
        ("阿卜杜拉·买买提", "阿卜杜拉买买提"),
        ("Иван Йорк", "йорк"),
        ("Αλέξης", "ΑΛΈΞΗΣ"),
        ("김민수", "민수"),
        ("がんだ", "がん"),
        ("𠮷野", "𠮷"),
        ("候选人 12", "候选人12"),
        ("候选人12", "候选人 1"),
        ("x̂y", "xy"),
    ] {
        assert!(is_found(&named(name), typed), "{name:?} by {typed:?}");
    }
    assert!(!is_found(&named("Иван Йорк"), "иорк"), "another letter, not an accent");
    assert!(!is_found(&named("かんだ"), "がん"));
}

#[test]
fn numbers_are_found_with_and_without_their_country() {
    let of = |mobile_code, mobile_number| Searched {
        candidate: Candidate { mobile_code, mobile_number, ..Candidate::default() },
        ..Searched::default()
    };
    for number in ["02079460000", "2079460000", "00442079460000"] {
        for typed in ["020 7946 0000", "+44 20 7946 0000", "+44 (0)20 7946 0000", "442079460000"] {
            assert!(is_found(&of("44", number), typed), "{number} by {typed}");
        }
    }
    assert!(is_found(&of("1", "123456"), "123456") && is_found(&of("", "123"), "123"));
    assert!(!is_found(&of("", ""), "0") && !is_found(&of("86", ""), "86"));
    // A number and a name that ends with one are two words.
    let query = Query::new("候选人 3 13800001234").unwrap();
    assert_eq!(query.words.len(), 3);
}

#[test]
fn an_id_is_a_number_as_it_stands() {
    let query = Query::new("张 3647728202618503168").unwrap();
    let id = Id(3_647_728_202_618_503_168);
    assert_eq!(query.order_ids().collect::<Vec<_>>(), [id]);
    assert_eq!(query.without(id), Query::new("张").unwrap());
    assert!(Query::new("3647728202618503168").unwrap().without(id).is_empty());
    let order = Searched { application_id: "6931286400470354183", ..Searched::default() };
    assert!(is_found(&order, "6931286400470354183"));
}

#[test]
fn terms_are_few_whatever_is_typed() {
    assert_eq!(terms(&ORDER).len(), 22, "{:?}", terms(&ORDER));
    let usual = Searched {
        candidate: Candidate { first_name: "", last_name: "", ..ORDER.candidate },
        application_id: "6931286400470354183",
    };
    assert_eq!(terms(&usual).len(), 8, "{:?}", terms(&usual));
    let long: String = ('\u{4e00}'..'\u{5e00}').collect();
    let named = Candidate { name: &long, ..Candidate::default() };
    assert_eq!(terms(&Searched { candidate: named, application_id: "" }).len(), TERMS_MAX);
    for typed in [long.as_str(), &"a ".repeat(1_000), &"1 ".repeat(1_000), &"@".repeat(2_000)] {
        let terms = Query::new(typed).map(|query| query.terms()).unwrap_or_default();
        assert!(terms.len() <= QUERY_TERMS_MAX, "{}", terms.len());
    }
    assert_eq!(Query::new("张小鱼").unwrap().terms(), ["张小", "小鱼"]);
}
