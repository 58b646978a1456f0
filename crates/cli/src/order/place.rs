//! The order form on the command line: a file, or a flag for each member.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use client::control::Control;
use contract::control::{CandidateInfo, ClientContactInfo, FieldValue, Mobile, Order, PlaceOrder};

use crate::account::field_value;
use crate::usage_error::UsageError;

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The whole form as JSON, as the API takes it; `-` reads it from stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "form")]
    file: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
#[group(id = "form", multiple = true)]
struct Form {
    /// Account at which it is ordered.
    #[arg(long, value_name = "ACCOUNT_ID", required_unless_present = "file")]
    account: Option<String>,
    /// Package of the account.
    #[arg(long, value_name = "PACKAGE_ID", required_unless_present = "file")]
    package: Option<String>,
    /// Additional item of the account; may be repeated.
    #[arg(long = "item", value_name = "ITEM_ID")]
    items: Vec<String>,
    /// Full name of the candidate.
    #[arg(long, value_name = "NAME", required_unless_present = "file")]
    candidate_name: Option<String>,
    /// Given name of the candidate.
    #[arg(long, value_name = "NAME")]
    candidate_first_name: Option<String>,
    /// Family name of the candidate.
    #[arg(long, value_name = "NAME")]
    candidate_last_name: Option<String>,
    /// Mobile number of the candidate: country calling code and number.
    #[arg(long, value_name = "86:13800000000", value_parser = mobile)]
    candidate_mobile: Option<Mobile>,
    /// Mail address of the candidate.
    #[arg(long, value_name = "ADDRESS")]
    candidate_email: Option<String>,
    /// Full name of the client contact.
    #[arg(long, value_name = "NAME")]
    contact_name: Option<String>,
    /// Mobile number of the client contact.
    #[arg(long, value_name = "86:13800000000", value_parser = mobile, requires = "contact_name")]
    contact_mobile: Option<Mobile>,
    /// Mail address of the client contact.
    #[arg(long, value_name = "ADDRESS", requires = "contact_name")]
    contact_email: Option<String>,
    /// Remark for the vendor, at most 2,000 characters.
    #[arg(long)]
    comment: Option<String>,
    /// Value of a vendor's custom field; may be repeated.
    #[arg(long = "field", value_name = "KEY=VALUE", value_parser = field_value)]
    fields: Vec<FieldValue>,
    /// File as the value of a vendor's custom field of type file or resume; may be repeated, also with the same key.
    #[arg(long = "file-field", value_name = "KEY=PATH", value_parser = file_field)]
    files: Vec<(String, PathBuf)>,
    /// Application (投递) in the hirer's own system.
    #[arg(long, value_name = "ID")]
    application_id: Option<String>,
    /// Place of work in the hirer's own system.
    #[arg(long, value_name = "CODE")]
    location_code: Option<String>,
}

/// Reads `86:13800000000`.
fn mobile(text: &str) -> Result<Mobile, String> {
    let (code, number) = text.split_once(':').ok_or("expected CODE:NUMBER, as 86:13800000000")?;
    Ok(Mobile { code: code.to_owned(), number: number.to_owned() })
}

/// Reads `KEY=PATH`.
fn file_field(text: &str) -> Result<(String, PathBuf), String> {
    let (key, path) = text.split_once('=').ok_or("expected KEY=PATH")?;
    Ok((key.to_owned(), PathBuf::from(path)))
}

#[derive(Debug)]
struct FileField {
    key: String,
    name: String,
    content: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Draft {
    body: PlaceOrder,
    files: Vec<FileField>,
}

impl Draft {
    pub(crate) async fn place(
        mut self,
        control: &Control,
        tenant_key: &str,
    ) -> anyhow::Result<Order> {
        let mut ids: Vec<(String, Vec<String>)> = Vec::new();
        for FileField { key, name, content } in self.files {
            let file = control.create_file(tenant_key, &name, content).await?;
            match ids.iter_mut().find(|(found, _)| *found == key) {
                Some((_, ids)) => ids.push(file.file_id),
                None => ids.push((key, vec![file.file_id])),
            }
        }
        let values = &mut self.body.custom_field_list;
        for (key, ids) in ids {
            values.push(FieldValue { key, value: serde_json::to_string(&ids)? });
        }
        Ok(control.place_order(tenant_key, &self.body).await?)
    }
}

impl Place {
    /// The order as given; the server checks whether its values fit.
    pub(crate) fn draft(mut self) -> anyhow::Result<Draft> {
        let mut files = Vec::new();
        for (key, path) in std::mem::take(&mut self.form.files) {
            let content = std::fs::read(&path).with_context(|| path.display().to_string())?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            files.push(FileField { key, name, content });
        }
        Ok(Draft { body: self.body()?, files })
    }

    fn body(self) -> anyhow::Result<PlaceOrder> {
        let Some(file) = self.file else { return Ok(self.form.body()) };
        let mut text = String::new();
        if file.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut text).context("stdin")?;
        } else {
            text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        }
        serde_json::from_str(&text).map_err(|error| {
            let message = format!("{}: {error}", file.display());
            UsageError { message, hint: "expected the order form as the API takes it" }.into()
        })
    }
}

impl Form {
    fn body(self) -> PlaceOrder {
        let (contact_mobile, contact_email) = (self.contact_mobile, self.contact_email);
        PlaceOrder {
            account_id: self.account.unwrap_or_default(),
            package_id: self.package.unwrap_or_default(),
            additional_item_id_list: self.items,
            comment: self.comment.unwrap_or_default(),
            candidate_info: CandidateInfo {
                name: self.candidate_name.unwrap_or_default(),
                mobile: self.candidate_mobile,
                email: self.candidate_email,
                first_name: self.candidate_first_name,
                last_name: self.candidate_last_name,
            },
            client_contact_info: self.contact_name.map(|name| ClientContactInfo {
                name,
                mobile: contact_mobile,
                email: contact_email,
            }),
            custom_field_list: self.fields,
            application_id: self.application_id,
            location_code: self.location_code,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use contract::control::Rules as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        place: Place,
    }

    fn body(line: &[&str]) -> PlaceOrder {
        let line = std::iter::once("place").chain(line.iter().copied());
        Line::try_parse_from(line).unwrap().place.body().unwrap()
    }

    #[test]
    fn flags_and_file_make_the_same_form() {
        let flags = body(&[
            "--account=7000000000000000002",
            "--package=pkg-a",
            "--item=a",
            "--item=b",
            "--candidate-name=张三",
            "--candidate-mobile=86:13800000000",
            "--candidate-email=z@example.com",
            "--contact-name=李四",
            "--contact-email=l@example.com",
            "--comment=急",
            "--field=degree=a=b",
            "--location-code=CN-11",
        ]);
        assert!(flags.faults().is_empty(), "{:?}", flags.faults());
        assert_eq!(flags.custom_field_list[0].value, "a=b");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.json");
        std::fs::write(&path, serde_json::to_vec(&flags).unwrap()).unwrap();
        let file = body(&[&format!("--file={}", path.display())]);
        assert!(file == flags);
    }

    #[test]
    fn files_are_read_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cv.pdf");
        let flag = format!("--file-field=cv={}", path.display());
        let line = ["place", "--account=7", "--package=a", "--candidate-name=b", flag.as_str()];
        let draft = || Line::try_parse_from(line).unwrap().place.draft();
        let missing = draft().unwrap_err().to_string();
        assert!(missing.contains("cv.pdf"), "{missing}");
        std::fs::write(&path, b"%PDF").unwrap();
        let files = draft().unwrap().files;
        let [FileField { key, name, content }] = &files[..] else { panic!("one file") };
        assert_eq!((key.as_str(), name.as_str(), &content[..]), ("cv", "cv.pdf", &b"%PDF"[..]));
        assert!(file_field("cv").is_err());
    }

    #[test]
    fn a_number_without_its_code_is_refused() {
        assert!(mobile("13800000000").is_err());
        assert!(mobile("86:13800000000").is_ok());
    }

    #[test]
    fn an_unknown_member_of_the_file_is_a_usage_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.json");
        std::fs::write(&path, r#"{"acount_id":"7"}"#).unwrap();
        let line = Line::try_parse_from(["place", "--file", path.to_str().unwrap()]).unwrap();
        let error = line.place.body().unwrap_err();
        assert!(error.downcast_ref::<UsageError>().unwrap().message.contains("acount_id"));
    }
}
