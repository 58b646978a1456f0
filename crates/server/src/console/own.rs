//! What people do about themselves: which tenant they look at, how their pages look, password, second factor, sessions.

use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use contract::control::Theme;
use hub::sessions::{self, SignedIn};
use hub::users;

use super::account::{AccountPage, AccountView, CodesPage, ShownSession, TotpPage};
use super::form::Form;
use super::frame::{self, Place};
use super::pieces::{Action, Field, FieldKind, Head, Inline, Look, Notice, Text, To, Tone};
use super::plain::PlainPage;
use super::session::{self, Asker};
use super::stop::{Stop, render};
use super::visit::Visit;
use super::words::Language;

pub(super) async fn show_tenants(visit: Visit) -> Result<Response, Stop> {
    let (w, signed) = (visit.w, visit.signed()?);
    let choose = |(key, name): &(String, String)| Action {
        label: name.clone().into(),
        to: To::Post("/tenant".to_owned(), vec![("tenant", key.clone())]),
        look: Look::Plain,
    };
    let text = match signed.others.is_empty() {
        true => w.t("no-tenant"),
        false => w.t("choose-tenant-why"),
    };
    let mut page = PlainPage::new(visit.plain_frame(w.t("choose-tenant")), text, "");
    page.below = signed.others.iter().map(choose).collect();
    let to = To::Post("/sign-out".to_owned(), Vec::new());
    page.below.push(Action { label: w.t("sign-out"), to, look: Look::Plain });
    Ok(render(&page))
}

pub(super) async fn choose_tenant(visit: Visit, form: Form) -> Result<Response, Stop> {
    let tenant_id = form.word("tenant").parse().map_err(|_| Stop::NotFound)?;
    sessions::choose_tenant(visit.hub(), &visit.signed()?.session, Some(tenant_id)).await?;
    Err(Stop::See("/".to_owned()))
}

pub(super) async fn show_account(visit: Visit) -> Result<Response, Stop> {
    account_page(&visit, &[]).await
}

async fn account_page(visit: &Visit, faults: &[(String, Text)]) -> Result<Response, Stop> {
    let (session, reading) = (&visit.signed()?.session, visit.reading());
    let list = sessions::list(visit.hub(), session).await?;
    let shown = list.into_iter().map(|it| ShownSession {
        began: reading.moment(&it.view.created_at),
        last_seen: reading.moment(&it.view.last_seen_at),
        session_id: it.view.session_id,
        client: super::program::name(&it.view.client),
        address: it.view.address,
        is_current: it.is_this,
    });
    let codes_left = match session.user.has_totp {
        true => Some(users::count_recovery_codes(visit.hub(), session).await?),
        false => None,
    };
    let view = AccountView {
        name: session.user.name.clone(),
        email: session.user.email.clone(),
        language: visit.signed()?.language,
        theme: visit.signed()?.theme,
        has_totp: session.user.has_totp,
        codes_left,
        sessions: shown.collect(),
    };
    let mut frame = visit.frame(visit.w.t("my-account"), Some(Place::Account)).await?;
    if visit.signed()?.lacks_factor {
        frame.notice = Some(Notice {
            tone: Tone::Waiting,
            parts: vec![Inline::Text(visit.w.t("totp-demanded"))],
            list: Vec::new(),
        });
    }
    Ok(render(&AccountPage::new(frame, view, faults)))
}

pub(super) async fn set_preferences(visit: Visit, form: Form) -> Result<Response, Stop> {
    let (hub, session) = (visit.hub(), &visit.signed()?.session);
    let locale = Language::parse(&form.word("language")).map(|it| it.tag().to_owned());
    let theme = Theme::parse(&form.word("theme")).ok_or(Stop::BadForm)?;
    let name = session.user.name.clone();
    users::set_preferences(hub, session, users::Preferences { name, locale, theme }).await?;
    Err(done("saved"))
}

/// Keeps the language of somebody who is signed in.
pub(super) async fn save_language(visit: &Visit, language: Language) -> Result<(), Stop> {
    let (hub, session) = (visit.hub(), &visit.signed()?.session);
    Ok(users::set_locale(hub, session, Some(language.tag().to_owned())).await?)
}

pub(super) async fn change_password(
    visit: Visit,
    Asker(origin): Asker,
    form: Form,
) -> Result<Response, Stop> {
    let session = &visit.signed()?.session;
    let [old, new] = ["current", "password"].map(|name| form.text(name).into());
    match users::change_password(visit.hub(), session, old, new, origin).await {
        Ok(signed_in) => Ok(with_session(&visit, &signed_in, "/account?done=password")),
        Err(error) => {
            let faults = faults(&visit, error, &[("old_password", "current")], "current")?;
            account_page(&visit, &faults).await
        }
    }
}

/// Onward with the cookie of a session that begins.
pub(super) fn with_session(visit: &Visit, signed_in: &SignedIn, path: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    let cookie = session::begin(&visit.app, visit.headers(), &signed_in.cookie_value);
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

/// What is wrong with which field; `names` are members whose fields have another name, and `first` is where too many tries
/// are named. All else stops.
pub(super) fn faults(
    visit: &Visit,
    error: hub::Error,
    names: &[(&str, &str)],
    first: &str,
) -> Result<Vec<(String, Text)>, Stop> {
    let w = visit.w;
    match error {
        hub::Error::Invalid(faults) => {
            let named = |field: &str| {
                let renamed = names.iter().find(|(member, _)| *member == field);
                renamed.map_or(field, |(_, name)| name).to_owned()
            };
            let fault = |field: String| {
                let text = super::faults::text(w, &field);
                (field, text)
            };
            Ok(faults.iter().map(|it| fault(named(&it.field))).collect())
        }
        hub::Error::TooSoon(wait) => {
            let minutes = wait.div_ceil(60).max(1);
            Ok(vec![(first.to_owned(), w.n("too-many-tries", minutes).into())])
        }
        error => Err(error.into()),
    }
}

pub(super) async fn begin_totp(visit: Visit) -> Result<Response, Stop> {
    let setup = users::begin_totp(visit.hub(), &visit.signed()?.session).await?;
    totp_page(&visit, setup.secret, setup.uri, false).await
}

async fn totp_page(
    visit: &Visit,
    secret: String,
    address: String,
    is_wrong: bool,
) -> Result<Response, Stop> {
    let w = visit.w;
    let code = Field {
        error: if is_wrong { w.t("code-wrong") } else { "".into() },
        is_first: true,
        ..Field::new(w, "code", w.t("code"), FieldKind::Code)
    };
    let frame = visit.frame(w.t("totp-begin"), Some(Place::Account)).await?;
    let head = head(&frame, w.t("my-account"));
    Ok(render(&TotpPage { head, secret, address, code, frame }))
}

fn head(frame: &frame::Frame, crumb: Text) -> Head {
    Head {
        crumb: Some((crumb, "/account".to_owned())),
        title: frame.title.clone(),
        tag: None,
        notes: Vec::new(),
        actions: Vec::new(),
        more: None,
    }
}

pub(super) async fn confirm_totp(visit: Visit, form: Form) -> Result<Response, Stop> {
    let (w, session) = (visit.w, &visit.signed()?.session);
    let codes = match users::confirm_totp(visit.hub(), session, &form.word("code")).await {
        Ok(codes) => codes,
        // The secret came with the form, so that a wrong code does not begin with another one.
        Err(hub::Error::Invalid(_)) => {
            return totp_page(&visit, form.word("secret"), form.word("address"), true).await;
        }
        Err(error) => return Err(error.into()),
    };
    let frame = visit.frame(w.t("codes"), Some(Place::Account)).await?;
    let (head, copy) = (head(&frame, w.t("my-account")), codes.join("\n"));
    Ok(render(&CodesPage { head, codes, copy, frame }))
}

pub(super) async fn end_totp(visit: Visit, form: Form) -> Result<Response, Stop> {
    let password = form.text("totp_password").into();
    match users::disable_totp(visit.hub(), &visit.signed()?.session, password).await {
        Ok(()) => Err(done("totp-ended")),
        Err(error) => {
            let faults = faults(&visit, error, &[("password", "totp_password")], "totp_password")?;
            account_page(&visit, &faults).await
        }
    }
}

pub(super) async fn end_session(visit: Visit, form: Form) -> Result<Response, Stop> {
    let session_id = form.word("session_id").parse().map_err(|_| Stop::NotFound)?;
    sessions::revoke(visit.hub(), &visit.signed()?.session, session_id).await?;
    Err(done("session-ended"))
}

pub(super) async fn end_other_sessions(visit: Visit) -> Result<Response, Stop> {
    sessions::revoke_all(visit.hub(), &visit.signed()?.session).await?;
    Err(done("session-ended"))
}

fn done(word: &str) -> Stop {
    Stop::See(format!("/account?done={word}"))
}
