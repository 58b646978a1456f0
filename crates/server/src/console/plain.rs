//! Pages without a tenant around them, one form each: signing in, the code after it, set-up, an invitation, a new password,
//! the choice of a tenant.

use askama::Template;

use super::frame::Frame;
use super::pieces::{Action, Field, Inline, Notice, Text, Tone};

/// The page.
#[derive(Template)]
#[template(path = "console/plain.html")]
pub(super) struct PlainPage {
    pub(super) frame: Frame,
    pub(super) title: Text,
    pub(super) text: Text,
    pub(super) notice: Option<Notice>,
    /// Where the form goes; without fields and button there is none.
    pub(super) action: String,
    pub(super) hidden: Vec<(String, String)>,
    pub(super) fields: Vec<Field>,
    pub(super) button: Option<Text>,
    /// What else there is to do.
    pub(super) below: Vec<Action>,
}

impl PlainPage {
    pub(super) fn new(frame: Frame, text: Text, action: impl Into<String>) -> PlainPage {
        PlainPage {
            title: frame.title.clone().into(),
            text,
            notice: None,
            action: action.into(),
            hidden: Vec::new(),
            fields: Vec::new(),
            button: None,
            below: Vec::new(),
            frame,
        }
    }

    /// Marks the fields that have faults, puts the cursor at the first one, and lists them above.
    pub(super) fn with_faults(mut self, title: Text, faults: &[(String, Text)]) -> PlainPage {
        let list = mark(&mut self.fields, faults);
        let parts = vec![Inline::Strong(title.into_owned())];
        self.notice = Some(Notice { tone: Tone::Attention, parts, list });
        self
    }
}

/// Puts each fault at its field, the cursor at the first one; gives them with where they are.
pub(super) fn mark(fields: &mut [Field], faults: &[(String, Text)]) -> Vec<(Text, String)> {
    let mut list = Vec::new();
    for field in fields.iter_mut() {
        let fault = faults.iter().find(|(name, _)| name == field.name);
        field.is_first = fault.is_some() && list.is_empty();
        if let Some((_, text)) = fault {
            field.error = text.clone();
            list.push((text.clone(), format!("#{}", field.name)));
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::pieces::FieldKind;
    use crate::console::words::Words;

    #[test]
    fn the_cursor_is_at_the_first_fault() {
        let w = Words::default();
        let field = |name| Field::new(w, name, "x".into(), FieldKind::Text);
        let mut fields = [field("email"), field("name"), field("password")];
        let faults = [("password".to_owned(), "b".into()), ("name".to_owned(), "a".into())];
        let list = mark(&mut fields, &faults);
        assert_eq!(list, [("a".into(), "#name".to_owned()), ("b".into(), "#password".to_owned())]);
        assert_eq!(fields.map(|field| field.is_first), [false, true, false]);
    }
}
