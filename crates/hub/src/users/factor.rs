//! The second factor of a person who is signed in: set up, taken away, and its recovery codes.

use contract::control::ProblemCode;
use domain::backoff::SECOND_FACTOR;
use store::Saved;

use super::own::check_password;
use crate::error::fault;
use crate::passwords::Password;
use crate::sessions::Session;
use crate::{Error, Hub, totp, tries};

/// A secret that is to be brought into a program for codes.
pub struct TotpSetup {
    /// The secret as people type it: base32.
    pub secret: String,
    /// The same as an address, for a picture that a phone reads.
    pub uri: String,
}

impl std::fmt::Debug for TotpSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TotpSetup").finish_non_exhaustive()
    }
}

/// Begins to set up a second factor: gives a new secret, which is not in force before [`confirm_totp`]. What was begun before
/// is forgotten. Refuses with [`ProblemCode::IllegalState`] when there is one in force.
pub async fn begin_totp(hub: &Hub, session: &Session) -> Result<TotpSetup, Error> {
    session.is_beyond_totp()?;
    let secret = totp::new_secret();
    match hub.store.begin_totp(session.user.user_id, &secret).await? {
        Saved::Done => Ok(TotpSetup {
            uri: totp::address(&secret, &session.user.email),
            secret: totp::base32(&secret),
        }),
        Saved::Outdated | Saved::KeyTaken => Err(in_force()),
    }
}

/// Puts the second factor in force that was begun, with a code that shows that it works; gives its recovery codes, which are
/// shown this once. Refuses a wrong code by its member.
pub async fn confirm_totp(hub: &Hub, session: &Session, code: &str) -> Result<Vec<String>, Error> {
    session.is_beyond_totp()?;
    let user_id = session.user.user_id;
    let subject = hub.store.person_subject(user_id);
    tries::take(hub, [(subject, SECOND_FACTOR)]).await?;
    let user = hub.store.find_user(user_id).await?.ok_or(Error::NotFound)?;
    let begun = user.totp.ok_or_else(|| {
        Error::refused(ProblemCode::IllegalState, "expected a second factor that was begun")
    })?;
    if begun.on_at.is_some() {
        return Err(in_force());
    }
    let now = hub.installation_clock.now();
    let step = totp::step_of(&begun.secret, code, now).ok_or_else(|| {
        Error::Invalid(vec![fault("code", "expected the code that is shown now")])
    })?;
    let codes = totp::new_recovery_codes();
    let by = hub.by(&session.actor);
    match hub.store.confirm_totp(by, user_id, &begun.secret, step, &codes).await? {
        Saved::Done => {
            hub.store.succeed_tries(subject).await?;
            Ok(codes)
        }
        Saved::Outdated | Saved::KeyTaken => Err(in_force()),
    }
}

/// Takes the second factor away; the password is asked for once more.
pub async fn disable_totp(hub: &Hub, session: &Session, password: Password) -> Result<(), Error> {
    session.is_full()?;
    let user = check_password(hub, session, "password", password).await?;
    match hub.store.end_totp(hub.by(&session.actor), user.user_id).await? {
        // A repeat is no error.
        Saved::Done | Saved::Outdated | Saved::KeyTaken => Ok(()),
    }
}

/// Gives new recovery codes in the place of all that are left; the password is asked for once more.
/// Refuses with [`ProblemCode::IllegalState`] a person without a second factor.
pub async fn renew_recovery_codes(
    hub: &Hub,
    session: &Session,
    password: Password,
) -> Result<Vec<String>, Error> {
    session.is_full()?;
    if !session.user.has_totp {
        let detail = "expected a second factor: without one there are no recovery codes";
        return Err(Error::refused(ProblemCode::IllegalState, detail));
    }
    let user = check_password(hub, session, "password", password).await?;
    let codes = totp::new_recovery_codes();
    let by = hub.by(&session.actor);
    hub.store.replace_recovery_codes(by, user.user_id, &codes).await?;
    Ok(codes)
}

/// How many recovery codes the person has left.
pub async fn count_recovery_codes(hub: &Hub, session: &Session) -> Result<u32, Error> {
    session.is_beyond_totp()?;
    Ok(hub.store.count_recovery_codes(session.user.user_id).await?)
}

fn in_force() -> Error {
    let detail = "expected no second factor in force: take it away first";
    Error::refused(ProblemCode::IllegalState, detail)
}
