//! My account: language, colours, password, second factor, and where I am signed in.

use askama::Template;

use super::frame::{Frame, Theme};
use super::moment::Moment;
use super::pieces::{Action, Field, FieldKind, Head, Inline, Look, Tag, Text, To, Tone};
use super::words::{Language, Words};

/// A session, as the page shows it.
pub(super) struct ShownSession {
    pub(super) session_id: String,
    pub(super) client: String,
    pub(super) address: String,
    pub(super) began: Moment,
    pub(super) last_seen: Moment,
    pub(super) is_current: bool,
}

/// What of the account is shown.
pub(super) struct AccountView {
    pub(super) name: String,
    pub(super) email: String,
    /// The language that was chosen; none for the browser's.
    pub(super) language: Option<Language>,
    pub(super) theme: Theme,
    pub(super) has_totp: bool,
    /// Recovery codes that are left.
    pub(super) codes_left: Option<u32>,
    pub(super) sessions: Vec<ShownSession>,
}

/// The page.
#[derive(Template)]
#[template(path = "console/account.html")]
pub(super) struct AccountPage {
    frame: Frame,
    head: Head,
    preferences: Vec<Field>,
    password: Vec<Field>,
    totp: Tag,
    totp_text: Text,
    totp_fields: Vec<Field>,
    view: AccountView,
    others: Option<Action>,
}

impl AccountPage {
    /// `faults` are of the form for the password or of that which ends the second factor.
    pub(super) fn new(frame: Frame, view: AccountView, faults: &[(String, Text)]) -> AccountPage {
        let w = frame.w;
        let mut password = vec![
            Field::new(
                w,
                "current",
                w.t("current-password"),
                FieldKind::Password { is_new: false },
            ),
            Field {
                hint: w.t("password-hint"),
                ..Field::new(
                    w,
                    "password",
                    w.t("new-password"),
                    FieldKind::Password { is_new: true },
                )
            },
        ];
        super::plain::mark(&mut password, faults);
        let kind = FieldKind::Password { is_new: false };
        let mut totp_fields = vec![Field::new(w, "totp_password", w.t("current-password"), kind)];
        super::plain::mark(&mut totp_fields, faults);
        let others = Action {
            label: w.t("end-other-sessions"),
            to: To::Post("/account/sessions/end-others".to_owned(), Vec::new()),
            look: Look::Danger,
        };
        AccountPage {
            head: Head {
                crumb: None,
                title: frame.title.clone(),
                tag: None,
                notes: vec![
                    Inline::Text(view.name.clone().into()),
                    Inline::Text(view.email.clone().into()),
                ],
                actions: Vec::new(),
                more: None,
            },
            preferences: preferences(w, &view),
            password,
            totp: match view.has_totp {
                true => Tag::new(Tone::Good, w.t("totp-on")),
                false => Tag::new(Tone::Ended, w.t("totp-off")),
            },
            totp_text: match (view.has_totp, view.codes_left) {
                (true, Some(left)) => w.n("codes-left", left).into(),
                (true, None) => w.t("totp-on-why"),
                (false, _) => w.t("totp-off-why"),
            },
            totp_fields,
            others: (view.sessions.len() > 1).then_some(others),
            view,
            frame,
        }
    }
}

fn preferences(w: Words, view: &AccountView) -> Vec<Field> {
    let as_browser = std::iter::once((String::new(), w.t("language-as-browser")));
    let languages = Language::ALL.map(|it| (it.tag().to_owned(), Text::Borrowed(it.own_name())));
    let themes = Theme::ALL.map(|it| (it.as_str().to_owned(), it.label(w)));
    let languages = FieldKind::Select(as_browser.chain(languages).collect());
    vec![
        Field {
            value: view.language.map(|it| it.tag().to_owned()).unwrap_or_default(),
            is_required: true,
            ..Field::new(w, "language", w.t("language"), languages)
        },
        Field {
            value: view.theme.as_str().to_owned(),
            ..Field::new(w, "theme", w.t("theme"), FieldKind::Select(themes.into()))
        },
    ]
}

/// The secret of a second factor, before it is confirmed.
#[derive(Template)]
#[template(path = "console/totp.html")]
pub(super) struct TotpPage {
    pub(super) frame: Frame,
    pub(super) head: Head,
    pub(super) secret: String,
    pub(super) address: String,
    pub(super) code: Field,
}

/// The recovery codes, which are shown this once.
#[derive(Template)]
#[template(path = "console/codes.html")]
pub(super) struct CodesPage {
    pub(super) frame: Frame,
    pub(super) head: Head,
    pub(super) codes: Vec<String>,
    pub(super) copy: String,
}
