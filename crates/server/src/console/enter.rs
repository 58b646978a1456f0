//! Coming in and going out: signing in, the code after the password, the language of visitors who are not signed in.

use axum::extract::Path;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use contract::control::ProblemCode;
use hub::sessions::{self, SignIn, SignedIn};

use super::cookie;
use super::form::Form;
use super::pieces::{Action, Field, FieldKind, Inline, Look, Notice, Text, To, Tone};
use super::plain::PlainPage;
use super::session::{self, Asker};
use super::stop::{Stop, render};
use super::visit::{LANGUAGE_COOKIE, Visit};
use super::words::Language;
use crate::demo;

/// Where somebody goes on after signing in.
#[derive(Debug, Clone, Default)]
pub(super) struct Onward {
    /// The page; a path of this server.
    pub(super) then: String,
    /// A form that was sent there when the session was over, packed; empty for none.
    pub(super) typed: String,
}

impl Onward {
    /// As a form or an address says it; what leads elsewhere leads to the start.
    fn new(then: &str, typed: String) -> Onward {
        let is_own = then.starts_with('/')
            && !then.starts_with("//")
            && !then.contains(['\\', '\n', '\r', '\t']);
        Onward { then: if is_own { then.to_owned() } else { "/".to_owned() }, typed }
    }

    fn of_form(form: &Form) -> Onward {
        Onward::new(&form.text("then"), form.text("typed"))
    }

    fn hidden(&self) -> Vec<(String, String)> {
        vec![("then".to_owned(), self.then.clone()), ("typed".to_owned(), self.typed.clone())]
    }
}

pub(super) async fn show_sign_in(visit: Visit) -> Result<Response, Stop> {
    let then = visit.query("then").unwrap_or_default();
    if visit.signed.is_some() {
        return Err(Stop::See(Onward::new(&then, String::new()).then));
    }
    Ok(render(&sign_in_page(&visit, &Onward::new(&then, String::new()), false)))
}

/// The page; `is_over` tells that a session ended before a form arrived.
pub(super) fn sign_in_page(visit: &Visit, onward: &Onward, is_over: bool) -> PlainPage {
    let w = visit.w;
    let mut frame = visit.plain_frame(w.t("sign-in"));
    frame.path = "/sign-in".to_owned();
    let mut page = PlainPage::new(frame, w.t("sign-in-why"), "/sign-in");
    page.hidden = onward.hidden();
    page.fields = vec![
        Field { is_first: true, ..Field::new(w, "email", w.t("email"), FieldKind::Email) },
        Field::new(w, "password", w.t("password"), FieldKind::Password { is_new: false }),
    ];
    page.button = Some(w.t("sign-in"));
    let is_plain = session::is_secure(&visit.app, visit.headers()) && !visit.is_over_tls();
    page.notice = match (is_over, is_plain) {
        (true, _) => Some(notice(Tone::Waiting, w.t("session-over"))),
        (false, true) => Some(notice(Tone::Attention, w.t("needs-tls"))),
        (false, false) => None,
    };
    page
}

fn notice(tone: Tone, text: Text) -> Notice {
    Notice { tone, parts: vec![Inline::Text(text)], list: Vec::new() }
}

pub(super) async fn sign_in(
    visit: Visit,
    Asker(origin): Asker,
    form: Form,
) -> Result<Response, Stop> {
    let onward = Onward::of_form(&form);
    let input = SignIn { email: form.word("email"), password: form.text("password").into() };
    let before = session::value(&visit.app, visit.headers());
    match sessions::sign_in(visit.hub(), input, origin, before.as_deref()).await {
        Ok(signed_in) => Ok(go_on(&visit, &signed_in, &onward)),
        Err(error) => {
            let mut page = sign_in_page(&visit, &onward, false);
            page.fields[0].value = form.word("email");
            refused(&visit, error, page, visit.w.t("sign-in-wrong"))
        }
    }
}

/// By a link that a demo printed.
pub(super) async fn sign_in_to_demo(
    visit: Visit,
    Asker(origin): Asker,
    Path(token): Path<String>,
) -> Result<Response, Stop> {
    let before = session::value(&visit.app, visit.headers());
    let signed_in = demo::sign_in(&visit.app, &token, origin, before.as_deref()).await?;
    let onward = Onward::new("/", String::new());
    signed_in.map(|signed_in| go_on(&visit, &signed_in, &onward)).ok_or(Stop::NotFound)
}

/// The page again, saying why; what is no fault of the person's stops.
fn refused(
    visit: &Visit,
    error: hub::Error,
    mut page: PlainPage,
    wrong: Text,
) -> Result<Response, Stop> {
    let w = visit.w;
    let (status, text) = match error {
        hub::Error::Refused(ProblemCode::Unauthenticated, _) => (StatusCode::UNAUTHORIZED, wrong),
        hub::Error::TooSoon(wait) => {
            let minutes = wait.div_ceil(60).max(1);
            (StatusCode::TOO_MANY_REQUESTS, w.n("too-many-tries", minutes).into())
        }
        hub::Error::Refused(ProblemCode::Unavailable, _) => {
            (StatusCode::SERVICE_UNAVAILABLE, w.t("busy"))
        }
        error => return Err(error.into()),
    };
    page.notice = Some(notice(Tone::Attention, text));
    let mut response = render(&page);
    *response.status_mut() = status;
    Ok(response)
}

/// To the page that was wanted; over the code where one is owed; with a form that came too late, to that.
fn go_on(visit: &Visit, signed_in: &SignedIn, onward: &Onward) -> Response {
    let mut response = match (signed_in.awaits_totp, onward.typed.is_empty()) {
        (true, _) => render(&code_page(visit, onward)),
        (false, false) => render(&typed_page(visit, onward)),
        (false, true) => Redirect::to(&onward.then).into_response(),
    };
    let cookie = session::begin(&visit.app, visit.headers(), &signed_in.cookie_value);
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

fn code_page(visit: &Visit, onward: &Onward) -> PlainPage {
    let w = visit.w;
    let mut frame = visit.plain_frame(w.t("totp"));
    frame.path = "/sign-in/code".to_owned();
    let mut page = PlainPage::new(frame, w.t("totp-asked"), "/sign-in/code");
    page.hidden = onward.hidden();
    page.fields = vec![Field {
        hint: w.t("code-hint"),
        is_first: true,
        ..Field::new(w, "code", w.t("code"), FieldKind::Code)
    }];
    page.button = Some(w.t("sign-in"));
    let to = To::Post("/sign-out".to_owned(), Vec::new());
    page.below = vec![Action { label: w.t("sign-in-anew"), to, look: Look::Plain }];
    page
}

/// A form that came when the session was over, ready to be sent again.
fn typed_page(visit: &Visit, onward: &Onward) -> PlainPage {
    let w = visit.w;
    let mut page = PlainPage::new(
        visit.plain_frame(w.t("typed-again")),
        w.t("typed-again-why"),
        &*onward.then,
    );
    let form = Form::parse(onward.typed.as_bytes());
    page.hidden = form.fields().to_vec();
    page.button = Some(w.t("typed-again-send"));
    let to = To::Page("/".to_owned());
    page.below = vec![Action { label: w.t("typed-again-drop"), to, look: Look::Plain }];
    page
}

pub(super) async fn show_code(visit: Visit) -> Response {
    render(&code_page(&visit, &Onward::new("/", String::new())))
}

pub(super) async fn confirm_code(
    visit: Visit,
    Asker(origin): Asker,
    form: Form,
) -> Result<Response, Stop> {
    let onward = Onward::of_form(&form);
    let value = session::value(&visit.app, visit.headers()).unwrap_or_default();
    match sessions::confirm_totp(visit.hub(), &value, &form.word("code"), origin).await {
        Ok(signed_in) => Ok(go_on(&visit, &signed_in, &onward)),
        Err(error) => refused(&visit, error, code_page(&visit, &onward), visit.w.t("code-wrong")),
    }
}

pub(super) async fn sign_out(visit: Visit) -> Result<Response, Stop> {
    if let Some(value) = session::value(&visit.app, visit.headers()) {
        sessions::sign_out(visit.hub(), &value).await?;
    }
    let mut response = Redirect::to("/sign-in").into_response();
    response.headers_mut().append(SET_COOKIE, session::end(&visit.app, visit.headers()));
    Ok(response)
}

/// The language for this browser, until somebody with a language of their own signs in.
pub(super) async fn choose_language(visit: Visit, form: Form) -> Result<Response, Stop> {
    let language = Language::parse(&form.word("language")).ok_or(Stop::BadForm)?;
    if visit.signed.as_ref().is_some_and(|signed| !signed.awaits_code) {
        super::own::save_language(&visit, language).await?;
    }
    let then = Onward::new(&form.text("then"), String::new()).then;
    let mut response = Redirect::to(&then).into_response();
    let cookie: HeaderValue = cookie::choice(LANGUAGE_COOKIE, language.tag());
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
