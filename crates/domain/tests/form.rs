//! Filled forms: tables of values that fit and values that do not, with what is said about each.

use contract::field::{AccountField, CheckField, FieldOption, FieldType, I18n};
use domain::Id;
use domain::form::{Filled, Value, fill, validate_account};

const ONE: &str = "6931286400470354183";
const TWO: &str = "6931286400470354184";

fn field(kind: FieldType, key: &str, is_required: bool) -> CheckField {
    let option = |key: &str| FieldOption { key: key.to_owned(), name: I18n::default() };
    CheckField {
        kind,
        key: key.to_owned(),
        name: I18n::default(),
        is_required,
        description: None,
        options: if kind.has_options() { vec![option("a"), option("b,\"")] } else { vec![] },
    }
}

fn value(key: &str, text: &str) -> Value {
    (key.to_owned(), text.to_owned())
}

/// What becomes of one value: the text that the vendor gets, nothing, or what was expected.
fn outcome(kind: FieldType, text: &str) -> String {
    match fill(&[field(kind, "k", false)], &[value("k", text)]) {
        Ok(Filled { values, .. }) => match &values[..] {
            [] => "nothing".to_owned(),
            [(_, text)] => format!("takes {text}"),
            _ => panic!("one value"),
        },
        Err(errors) => {
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].field, "custom_field_list[0].value");
            errors[0].expected.clone()
        }
    }
}

fn check(kind: FieldType, fit: &[&str], refused: &[&str], expected: &str) {
    for text in fit {
        assert_eq!(outcome(kind, text), format!("takes {text}"), "{kind:?}");
    }
    for text in refused {
        assert_eq!(outcome(kind, text), expected, "{kind:?} {text:?}");
    }
    for empty in ["", " ", "\u{3000}\n"] {
        assert_eq!(outcome(kind, empty), "nothing", "{kind:?} {empty:?}");
    }
}

#[test]
fn texts_have_their_length_in_characters() {
    let (fits, long) = ("长".repeat(100), "😀".repeat(101));
    let expected = "expected at most 100 characters, came 101";
    check(FieldType::Text, &[&fits, " a ", "0"], &[&long], expected);
    assert_eq!(outcome(FieldType::Text, "a\nb"), "expected one line");
    let (fits, long) = ("长".repeat(200), "长".repeat(201));
    let expected = "expected at most 200 characters, came 201";
    check(FieldType::Textarea, &[&fits, "a\r\nb"], &[&long], expected);
}

#[test]
fn numbers_are_decimal_and_stay_as_typed() {
    let fit = ["0", "-1", "007", "12.50", "-0.0", &"9".repeat(40)];
    let error = [
        "a",
        "+1",
        "1.",
        ".5",
        "-",
        "1e3",
        "1,000",
        "0x1",
        "NaN",
        " 1",
        "１",
        "--1",
        "1.2.3",
        &"9".repeat(41),
    ];
    let expected = "expected a decimal number of at most 40 characters, as -12.5";
    check(FieldType::Number, &fit, &error, expected);
}

#[test]
fn booleans_are_true_or_false() {
    let error = ["True", "1", "yes", "是", " true"];
    check(FieldType::Boolean, &["true", "false"], &error, "expected true or false");
}

#[test]
fn dates_are_milliseconds_within_the_calendar() {
    let fit = ["0", "1795004800000", "-62135596800000", "253402300799999"];
    let error = [
        "2026-01-01",
        "1.5",
        "+1",
        "-62135596800001",
        "253402300800000",
        "9223372036854775808",
        "a",
    ];
    let expected = "expected milliseconds since the epoch, within the years 1 to 9999";
    check(FieldType::Date, &fit, &error, expected);
}

#[test]
fn choices_are_keys_of_options() {
    let expected = "expected the key of one of the field's options";
    check(FieldType::Select, &["a", "b,\""], &["A", "c", "a,b", "[\"a\"]"], expected);
    let expected = "expected a JSON array of keys of the field's options, each once";
    let fit = [r#"["a"]"#, r#"["b,\"","a"]"#];
    let error =
        ["a", "a,b", r#"["c"]"#, r#"["a","a"]"#, "[1]", "{}", "null", r#"["a"] x"#, r#"["a""#];
    check(FieldType::Multiselect, &fit, &error, expected);
    assert_eq!(outcome(FieldType::Multiselect, "[]"), "nothing");
    // Blanks between the keys are not stored.
    assert_eq!(outcome(FieldType::Multiselect, "[ \"a\" ]"), "takes [\"a\"]");
}

#[test]
fn files_are_named_by_their_ids() {
    let many = |count: i64| {
        let ids: Vec<_> = (0..count).map(|n| (6_931_286_400_470_354_183 + n).to_string()).collect();
        format!("{ids:?}").replace(' ', "")
    };
    for kind in [FieldType::File, FieldType::Resume] {
        let expected = "expected a JSON array of 1 to 20 file ids, each once";
        let fit = [format!("[\"{ONE}\",\"{TWO}\"]"), many(20)];
        let fit: Vec<_> = fit.iter().map(String::as_str).collect();
        let refused = [
            ONE.to_owned(),
            "cv.pdf".to_owned(),
            format!("[{ONE}]"),
            "[\"x\"]".to_owned(),
            "[\"\"]".to_owned(),
            format!("[\"{ONE}\",\"{ONE}\"]"),
            many(21),
        ];
        let refused: Vec<_> = refused.iter().map(String::as_str).collect();
        check(kind, &fit, &refused, expected);
        assert_eq!(outcome(kind, "[]"), "nothing");
    }
}

#[test]
fn values_come_in_the_order_of_the_form_with_their_files() {
    let form = [
        field(FieldType::Resume, "cv", false),
        field(FieldType::Text, "note", false),
        field(FieldType::Boolean, "old", false),
    ];
    let cv = format!("[\"{ONE}\"]");
    let filled = fill(&form, &[value("old", "true"), value("note", ""), value("cv", &cv)]);
    let expected = Filled {
        values: vec![value("cv", &cv), value("old", "true")],
        files: vec![("cv".to_owned(), vec![Id(6_931_286_400_470_354_183)])],
    };
    assert_eq!(filled, Ok(expected));
    assert_eq!(fill(&[], &[]), Ok(Filled::default()));
}

fn lines(errors: &[domain::fields::FieldError]) -> Vec<String> {
    errors.iter().map(|error| format!("{}: {}", error.field, error.expected)).collect()
}

#[test]
fn all_faults_of_a_form_are_named_at_once() {
    let form = [
        field(FieldType::Text, "name", true),
        field(FieldType::Number, "age", true),
        field(FieldType::Select, "degree", true),
        field(FieldType::Multiselect, "langs", true),
        field(FieldType::Date, "since", false),
    ];
    let values = [
        value("nowhere", "x"),
        value("age", "old"),
        value("degree", " "),
        value("langs", "[]"),
        value("since", "yesterday"),
    ];
    let expected = [
        "custom_field_list[0].key: expected a key of the vendor's form",
        "custom_field_list[1].value: expected a decimal number of at most 40 characters, as -12.5",
        "custom_field_list[4].value: expected milliseconds since the epoch, within the years 1 to 9999",
        "custom_field_list: expected a value of the required field name",
        "custom_field_list[2].value: is required",
        "custom_field_list[3].value: is required",
    ];
    assert_eq!(lines(&fill(&form, &values).unwrap_err()), expected);
}

#[test]
fn an_account_fills_what_its_vendor_requires() {
    let field = |key: &str, is_required| AccountField {
        key: key.to_owned(),
        name: I18n::default(),
        is_required,
        description: None,
    };
    let form = [field("code", true), field("contact", false), field("city", true)];
    assert_eq!(validate_account(&form, &[value("city", "北京"), value("code", "7")]), Ok(()));
    let refused = validate_account(&form, &[value("city", " "), value("x", "y")]).unwrap_err();
    let expected = [
        "custom_field_list[1].key: expected a key of the vendor's form",
        "custom_field_list: expected a value of the required field code",
        "custom_field_list[0].value: is required",
    ];
    assert_eq!(lines(&refused), expected);
}
