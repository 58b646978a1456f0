//! Events come out byte for byte as the contract's samples (sections 9.1 and 9.3), and as JavaScript prints them.

use contract::event::{
    AccountCreated, AppTicket, CandidateInfo, ChallengeAnswer, CheckCanceled, CheckCreated,
    CheckReturned, ClientContactInfo, Event, EventType, FieldValue, Header, Mobile,
    UrlVerification, read, read_ticket, render, render_ticket,
};

const CREATED: &str = r#"{"schema":"2.0","header":{"event_id":"00000000000000000000000000000002","token":"v-1","create_time":"1700000000000","event_type":"hire.eco_background_check.created_v1","tenant_key":"0000000000000001","app_id":"cli_0000000000000001"},"event":{"background_check_id":"7000000000000000001","account_id":"7000000000000000002","package_id":"pkg-a","additional_item_id_list":["item-a"],"comment":"","candidate_info":{"name":"张三","mobile":{"code":"86","number":"13800000000"},"email":"z@example.com","first_name":"San","last_name":"Zhang"},"client_contact_info":{"name":"李四","mobile":{"code":"86","number":"13900000000"},"email":"l@example.com"},"custom_field_list":[{"key":"degree","value":"bachelor"}]}}"#;
const CANCELED: &str = r#"{"schema":"2.0","header":{"event_id":"00000000000000000000000000000001","token":"v-1","create_time":"1700000000000","event_type":"hire.eco_background_check.canceled_v1","tenant_key":"0000000000000001","app_id":"cli_0000000000000001"},"event":{"background_check_id":"7000000000000000001","termination_reason":"候选人放弃"}}"#;
const BOUND: &str = r#"{"schema":"2.0","header":{"event_id":"00000000000000000000000000000003","token":"v-1","create_time":"1700000000000","event_type":"hire.eco_account.created_v1","tenant_key":"0000000000000001","app_id":"cli_0000000000000001"},"event":{"scope":1,"account_id":"7000000000000000002","account_name":"背调","usage_list":[1,2],"custom_field_list":[{"key":"customer_no","value":"42"}]}}"#;
const RETURNED: &str = r#"{"schema":"2.0","header":{"event_id":"00000000000000000000000000000005","token":"v-1","create_time":"1700000000000","event_type":"probity.background_check.returned_v1","tenant_key":"0000000000000001","app_id":"cli_0000000000000001"},"event":{"background_check_id":"7000000000000000001","return_reason":"缺少学历核实"}}"#;

fn header(number: u8) -> Header {
    Header {
        event_id: format!("{number:032}"),
        token: "v-1".to_owned(),
        create_time: 1_700_000_000_000,
        tenant_key: "0000000000000001".to_owned(),
        app_id: "cli_0000000000000001".to_owned(),
    }
}

fn mobile(number: &str) -> Mobile {
    Mobile { code: "86".to_owned(), number: number.to_owned() }
}

fn field(key: &str, value: &str) -> FieldValue {
    FieldValue { key: key.to_owned(), value: value.to_owned() }
}

fn created() -> Event {
    Event::CheckCreated(Box::new(CheckCreated {
        background_check_id: "7000000000000000001".to_owned(),
        account_id: "7000000000000000002".to_owned(),
        package_id: "pkg-a".to_owned(),
        additional_item_id_list: vec!["item-a".to_owned()],
        comment: String::new(),
        candidate_info: CandidateInfo {
            name: "张三".to_owned(),
            mobile: mobile("13800000000"),
            email: "z@example.com".to_owned(),
            first_name: "San".to_owned(),
            last_name: "Zhang".to_owned(),
        },
        client_contact_info: ClientContactInfo {
            name: "李四".to_owned(),
            mobile: mobile("13900000000"),
            email: "l@example.com".to_owned(),
        },
        custom_field_list: vec![field("degree", "bachelor")],
    }))
}

fn canceled(reason: &str) -> Event {
    Event::CheckCanceled(CheckCanceled {
        background_check_id: "7000000000000000001".to_owned(),
        termination_reason: reason.to_owned(),
    })
}

fn returned() -> Event {
    Event::CheckReturned(CheckReturned {
        background_check_id: "7000000000000000001".to_owned(),
        return_reason: "缺少学历核实".to_owned(),
    })
}

fn bound() -> Event {
    Event::AccountCreated(AccountCreated {
        scope: contract::event::ACCOUNT_SCOPE_BACKGROUND_CHECK,
        account_id: "7000000000000000002".to_owned(),
        account_name: "背调".to_owned(),
        usage_list: vec![1, 2],
        custom_field_list: vec![field("customer_no", "42")],
    })
}

#[test]
fn events_come_out_byte_for_byte_and_are_read_back() {
    for (header, event, sample) in [
        (header(2), created(), CREATED),
        (header(1), canceled("候选人放弃"), CANCELED),
        (header(3), bound(), BOUND),
        (header(5), returned(), RETURNED),
    ] {
        assert_eq!(String::from_utf8(render(&header, &event)).unwrap(), sample);
        assert!(read(sample.as_bytes()).unwrap() == (header, event));
    }
}

/// Contract, section 1.4.
#[test]
fn a_ticket_comes_out_in_the_old_envelope_and_is_read_back() {
    let ticket = AppTicket {
        uuid: "00000000000000000000000000000004".to_owned(),
        token: "v-1".to_owned(),
        issued_at: 1_502_199_207_017,
        app_id: "cli_0000000000000001".to_owned(),
        app_ticket: "ticket-1".to_owned(),
    };
    let sample = r#"{"ts":"1502199207.017","uuid":"00000000000000000000000000000004","token":"v-1","type":"event_callback","event":{"type":"app_ticket","app_id":"cli_0000000000000001","app_ticket":"ticket-1"}}"#;
    assert_eq!(String::from_utf8(render_ticket(&ticket)).unwrap(), sample);
    assert_eq!(read_ticket(sample.as_bytes()), Ok(ticket));
    // The platform's own sample has more digits.
    let finer = sample.replace("1502199207.017", "1502199207.7171419");
    assert_eq!(read_ticket(finer.as_bytes()).unwrap().issued_at, 1_502_199_207_717);
    for wrong in [
        CREATED.to_owned(),
        sample.replace("event_callback", "url_verification"),
        sample.replace(r#"{"type":"app_ticket""#, r#"{"type":"app_open""#),
        sample.replace("1502199207.017", "1502199207"),
    ] {
        assert!(read_ticket(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn texts_are_printed_as_javascript_prints_them() {
    let reason = "\u{8}\t\n\u{b}\u{c}\r\u{1f}\"\\/\u{7f}\u{2028}\u{2029}é😀<&>'";
    let plain = String::from_utf8(render(&header(1), &canceled(reason))).unwrap();
    let printed = r#"\b\t\n\u000b\f\r\u001f\"\\/"#.to_owned() + "\u{7f}\u{2028}\u{2029}é😀<&>'";
    assert!(plain.ends_with(&format!(r#""termination_reason":"{printed}"}}}}"#)), "{plain}");
}

#[test]
fn what_is_no_event_of_the_family_is_not_read() {
    for plain in [
        "",
        "{}",
        r#"{"challenge":"c","token":"v","type":"url_verification"}"#,
        &CANCELED.replace("2.0", "1.0"),
        &CANCELED.replace("canceled_v1", "canceled_v2"),
        &CANCELED.replace("canceled_v1", "created_v1"),
        &CANCELED.replace("1700000000000", "soon"),
    ] {
        assert!(read(plain.as_bytes()).is_err(), "{plain}");
    }
}

#[test]
fn every_event_is_found_by_its_name() {
    for event_type in EventType::ALL {
        assert_eq!(EventType::parse(event_type.as_str()), Some(*event_type));
    }
    assert_eq!(EventType::parse("hire.eco_exam.created_v1"), None);
}

#[test]
fn the_url_check_reads_as_documented() {
    let call = UrlVerification::new("c-1".to_owned(), "v-1".to_owned());
    assert_eq!(call.to_vec(), br#"{"challenge":"c-1","token":"v-1","type":"url_verification"}"#);
    let answer: ChallengeAnswer = serde_json::from_str(r#"{"challenge": "c-1"}"#).unwrap();
    assert_eq!(answer.challenge, "c-1");
}

#[test]
fn printed_events_show_nothing_personal() {
    let printed = format!("{:?} {:?}", header(1), created());
    assert!(!printed.contains("张三") && !printed.contains("v-1"), "{printed}");
    let plain = r#"{"ts":"1.0","uuid":"7","token":"v-1","type":"event_callback","event":{"type":"app_ticket","app_id":"cli_1","app_ticket":"hidden"}}"#;
    let printed = format!("{:?}", read_ticket(plain.as_bytes()).unwrap());
    assert!(!printed.contains("hidden") && !printed.contains("v-1"), "{printed}");
}
