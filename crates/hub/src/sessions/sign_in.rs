//! Signing in: mail address and password, then the second factor where there is one.
//!
//! An address that nobody has and a wrong password answer alike and take alike long. Tries are counted for the account and for
//! the address that they come from (`tries.rs`).

use contract::control::ProblemCode;
use domain::backoff::{ACCOUNT, ADDRESS, SECOND_FACTOR, Tries};
use domain::password::CHARS_MAX;
use domain::{Actor, Roles, TenantId};
use store::Saved;
use store::audit::By;
use store::sessions::Factor;
use store::users::{Totp, User};

use super::{Origin, SignedIn, find, new_session};
use crate::passwords::{NOBODYS, Password};
use crate::{Error, Hub, keys, totp, tries};

const EMAIL_CHARS_MAX: usize = 254;

/// What somebody signs in with.
pub struct SignIn {
    /// The mail address; upper and lower case are one.
    pub email: String,
    /// The password.
    pub password: Password,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// Signs a person in; `before` is the value of the cookie that came along, whose session ends.
///
/// Refuses with [`ProblemCode::Unauthenticated`] whatever is not right, with [`Error::TooSoon`] after too many tries.
pub async fn sign_in(
    hub: &Hub,
    input: SignIn,
    origin: Origin,
    before: Option<&str>,
) -> Result<SignedIn, Error> {
    // What is longer than any address or password costs neither a hash nor a row of its own.
    let is_possible = input.email.chars().take(EMAIL_CHARS_MAX + 1).count() <= EMAIL_CHARS_MAX
        && input.password.chars().take(CHARS_MAX + 1).count() <= CHARS_MAX;
    let email = if is_possible { input.email.as_str() } else { "" };
    let network = tries::network(&origin.address);
    let address = hub.store.address_subject(&network);
    // From where the person signed in of late their tries are counted apart: others elsewhere do not make them wait.
    let place = hub.store.place_subject(email, &network);
    let [known] = hub.store.find_tries([place]).await?;
    let is_known = known != Tries::default();
    let account = if is_known { place } else { hub.store.account_subject(email) };
    let counted = tries::take(hub, [(account, ACCOUNT), (address, ADDRESS)]).await?;
    if !is_possible {
        return Err(wrong());
    }
    let user = hub.store.find_user_by_mail(email).await?;
    let hash = user.as_ref().map_or(NOBODYS, |user| &user.password_hash).to_owned();
    let is_right = match hub.passwords.verify(input.password, hash).await {
        Ok(is_right) => is_right,
        Err(busy) => {
            // A try that was not made does not count.
            let now = hub.installation_clock.now();
            hub.store.give_back_try(account, now).await?;
            hub.store.give_back_try(address, now).await?;
            return Err(busy);
        }
    };
    let Some(user) = user else { return Err(wrong()) };
    if !is_right {
        tries::note_failure(hub, user.user_id, counted, ACCOUNT).await?;
        return Err(wrong());
    }
    let Some(tenant_id) = first_place(hub, &user).await? else { return Err(wrong()) };
    hub.store.succeed_sign_in(account, address, place, hub.installation_clock.now()).await?;
    begin(hub, &user, tenant_id, origin, before).await
}

fn wrong() -> Error {
    let detail = "expected a mail address that is known here, and its password";
    Error::refused(ProblemCode::Unauthenticated, detail)
}

/// The tenant at which a session of the person looks first, if any; none when they are nowhere in force.
pub(crate) async fn first_place(hub: &Hub, user: &User) -> Result<Option<Option<TenantId>>, Error> {
    let places = hub.store.list_memberships(user.user_id).await?;
    let mut in_force = places.into_iter().filter(|place| place.suspended_at.is_none());
    // An operator who is in a tenant too begins there.
    let Some(first) = in_force.next() else { return Ok(None) };
    let of_tenant = first.tenant_id.or_else(|| in_force.find_map(|place| place.tenant_id));
    Ok(Some(of_tenant))
}

async fn begin(
    hub: &Hub,
    user: &User,
    tenant_id: Option<TenantId>,
    origin: Origin,
    before: Option<&str>,
) -> Result<SignedIn, Error> {
    let awaits_totp = user.totp.as_ref().is_some_and(|totp| totp.on_at.is_some());
    let (session, signed_in) = new_session(hub, user.user_id, tenant_id, awaits_totp, origin);
    let by = By { actor: Actor::user(user.user_id, Roles::NONE), at: session.at };
    let before = before.map(keys::hash);
    match hub.store.begin_session(by, &session, &user.password_hash, before.as_ref()).await? {
        Saved::Done => Ok(signed_in),
        // The password was changed a moment ago.
        Saved::Outdated | Saved::KeyTaken => Err(wrong()),
    }
}

/// Shows the second factor of a session that waits for it: six digits, or a recovery code. The session gets another value.
///
/// Refuses with [`ProblemCode::Unauthenticated`] a wrong code, one that was used before, and a session that does not wait.
pub async fn confirm_totp(
    hub: &Hub,
    cookie_value: &str,
    code: &str,
    origin: Origin,
) -> Result<SignedIn, Error> {
    let found = find(hub, cookie_value).await?.filter(|(found, _)| found.awaits_totp);
    let Some((waiting, hash)) = found else { return Err(wrong_code()) };
    let user_id = waiting.user_id;
    let subject = hub.store.person_subject(user_id);
    let counted = tries::take(hub, [(subject, SECOND_FACTOR)]).await?;
    let user = hub.store.find_user(user_id).await?;
    let totp = user.and_then(|user| user.totp).filter(|totp| totp.on_at.is_some());
    let factor = totp.and_then(|totp| factor(hub, &totp, code));
    let (session, signed_in) = new_session(hub, user_id, waiting.tenant_id, false, origin);
    let by = By { actor: Actor::user(user_id, Roles::NONE), at: session.at };
    let is_right = match factor {
        Some(factor) => {
            hub.store.complete_session(by, &session, &hash, &factor).await? == Saved::Done
        }
        None => false,
    };
    if !is_right {
        tries::note_failure(hub, user_id, counted, SECOND_FACTOR).await?;
        return Err(wrong_code());
    }
    hub.store.succeed_tries(subject).await?;
    Ok(signed_in)
}

fn factor(hub: &Hub, totp: &Totp, code: &str) -> Option<Factor> {
    let now = hub.installation_clock.now();
    totp::step_of(&totp.secret, code, now)
        .map(Factor::Step)
        .or_else(|| totp::recovery_code(code).map(Factor::RecoveryCode))
}

fn wrong_code() -> Error {
    let detail = "expected the code that is shown now and was not used yet, or a recovery code";
    Error::refused(ProblemCode::Unauthenticated, detail)
}
