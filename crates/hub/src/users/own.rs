//! What a person who is signed in changes about themselves.

use contract::control::{ProblemCode, Theme};
use domain::backoff::SECOND_FACTOR;
use store::Saved;
use store::users::{Profile, User};

use super::fields;
use crate::error::{fault, validate};
use crate::passwords::Password;
use crate::sessions::{Origin, Session, SignedIn, new_session};
use crate::{Error, Hub, tries};

/// How a person's pages look, and what they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Full name.
    pub name: String,
    /// The language of their pages; none for what the browser asks for.
    pub locale: Option<String>,
    /// The colours of their pages.
    pub theme: Theme,
}

/// Changes name, language and colours.
pub async fn set_preferences(
    hub: &Hub,
    session: &Session,
    preferences: Preferences,
) -> Result<(), Error> {
    session.is_beyond_totp()?;
    let Preferences { name, locale, theme } = preferences;
    validate(fields::person(&name, &session.user.email, locale.as_deref()))?;
    let profile = Profile { name, email: session.user.email.clone() };
    let user_id = session.user.user_id;
    Ok(hub.store.set_preferences(user_id, &profile, locale.as_deref(), theme).await?)
}

fn present(session: &Session) -> Preferences {
    let user = &session.user;
    Preferences { name: user.name.clone(), locale: user.locale.clone(), theme: user.theme }
}

/// Changes the language of the person's pages; none for what the browser asks for.
pub async fn set_locale(hub: &Hub, session: &Session, locale: Option<String>) -> Result<(), Error> {
    set_preferences(hub, session, Preferences { locale, ..present(session) }).await
}

/// Changes the colours of the person's pages.
pub async fn set_theme(hub: &Hub, session: &Session, theme: Theme) -> Result<(), Error> {
    set_preferences(hub, session, Preferences { theme, ..present(session) }).await
}

/// Changes the person's password. Every session ends; the person goes on in a new one.
///
/// Refuses a wrong old password and a new one that breaks the rules, each by its member, and with [`Error::TooSoon`] after too
/// many tries.
pub async fn change_password(
    hub: &Hub,
    session: &Session,
    old: Password,
    new: Password,
    origin: Origin,
) -> Result<SignedIn, Error> {
    session.is_full()?;
    let own = [session.user.name.as_str(), session.user.email.as_str()];
    validate(fields::password(&new, &own).into_iter().collect())?;
    let user = check_password(hub, session, "old_password", old).await?;
    let hash = hub.passwords.hash(new).await?;
    let tenant_id = session.tenant.as_ref().map(|tenant| tenant.tenant_id);
    let (next, signed_in) = new_session(hub, user.user_id, tenant_id, false, origin);
    let by = hub.by(&session.actor);
    match hub.store.set_password(by, &user, &hash, Some(&next)).await? {
        Saved::Done => Ok(signed_in),
        Saved::Outdated | Saved::KeyTaken => {
            let detail = "expected nobody else to change the password at the same time";
            Err(Error::refused(ProblemCode::Conflict, detail))
        }
    }
}

/// The person, whose password this is; tries are counted, so that a session that was left open opens no more than itself.
pub(super) async fn check_password(
    hub: &Hub,
    session: &Session,
    field: &str,
    password: Password,
) -> Result<User, Error> {
    let wrong = || Error::Invalid(vec![fault(field, "expected the present password")]);
    if password.chars().take(domain::password::CHARS_MAX + 1).count() > domain::password::CHARS_MAX
    {
        return Err(wrong());
    }
    let user_id = session.user.user_id;
    let subject = hub.store.person_subject(user_id);
    let counted = tries::take(hub, [(subject, SECOND_FACTOR)]).await?;
    let user = hub.store.find_user(user_id).await?.ok_or(Error::NotFound)?;
    match hub.passwords.verify(password, user.password_hash.clone()).await {
        Ok(true) => {
            hub.store.succeed_tries(subject).await?;
            Ok(user)
        }
        Ok(false) => {
            tries::note_failure(hub, user_id, counted, SECOND_FACTOR).await?;
            Err(wrong())
        }
        Err(busy) => {
            hub.store.give_back_try(subject, hub.installation_clock.now()).await?;
            Err(busy)
        }
    }
}
