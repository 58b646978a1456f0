//! A new password by an address that is good once and for 24 hours. An admin may give it to a person who is in no other tenant;
//! else it would open that one too, and is the operator's to give. The second factor stays.

use contract::control::{PasswordReset, ProblemCode};
use domain::people::{ACCESS_LINK_MS, OneTimeLinkKind};
use domain::{Act, Actor, Id, Role, Roles};
use store::audit::By;
use store::one_time_links::OneTimeLink;
use store::tenants::Tenant;
use store::{IdempotencyKey, Saved};

use super::{fields, find};
use crate::error::{authorize, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::rfc3339;
use crate::passwords::Password;
use crate::sessions::{Origin, SignedIn, first_place, new_session};
use crate::{Error, Hub, one_time};

/// The path of the page that sets a new password, below the public address.
pub const RESET_PATH: &str = "/password";

/// A link to a new password as its holder sees it.
pub struct Reset {
    /// The person's mail address.
    pub email: String,
}

/// Makes the address at which a member sets a new password; the first answer alone holds it. The one before is good no more.
///
/// Refuses an admin with [`ProblemCode::Forbidden`] when the person is in another tenant too, or is an operator.
pub async fn offer_reset(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    user_id: Id,
    key: Option<IdempotencyKey>,
) -> Result<Answer<PasswordReset>, Error> {
    authorize(actor, Act::ResetPasswords)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let member = find(hub, Some(tenant), user_id).await?;
    let places = hub.store.list_memberships(user_id).await?;
    let is_elsewhere = places.iter().any(|place| place.tenant_id != Some(tenant.tenant_id));
    if is_elsewhere && !actor.roles.iter().any(|role| role == Role::Operator) {
        let detail = "expected a person of this tenant alone: a new password would open other places too; \
                      ask the operator";
        return Err(Error::refused(ProblemCode::Forbidden, detail));
    }
    let (token, hash) = one_time::new_token();
    let by = hub.by(actor);
    let link = OneTimeLink {
        link_id: hub.store.make_id(by.at),
        kind: OneTimeLinkKind::PasswordReset,
        tenant_id: Some(tenant.tenant_id),
        user_id: Some(member.user.user_id),
        roles: String::new(),
        email: String::new(),
        created_by: actor.owner,
        created_at: by.at,
        expires_at: by.at.plus_ms(ACCESS_LINK_MS),
        used_at: None,
        revoked_at: None,
    };
    let url = one_time::address(hub, RESET_PATH, &token);
    let body = PasswordReset { expires_at: rfc3339(link.expires_at), url };
    let creation = Creation::OneTimeLink(&hash, &link);
    idempotency::create(hub, by, creation, key, &body, &body.without_secret()).await
}

/// Whose new password a token is for; none when it is not good, or not good any more.
pub async fn find_reset(hub: &Hub, token: &str) -> Result<Option<Reset>, Error> {
    let found = one_time::find(hub, token, OneTimeLinkKind::PasswordReset).await?;
    let Some(user_id) = found.and_then(|(link, _)| link.user_id) else { return Ok(None) };
    let user = hub.store.find_user(user_id).await?;
    Ok(user.map(|user| Reset { email: user.profile.email }))
}

/// Sets a new password by a token, which is used up. Every session ends; the person goes on in a new one, which waits for the
/// second factor where there is one. Refuses as [`Error::NotFound`] a token that is not good any more.
pub async fn reset_password(
    hub: &Hub,
    token: &str,
    password: Password,
    origin: Origin,
) -> Result<SignedIn, Error> {
    let found = one_time::find(hub, token, OneTimeLinkKind::PasswordReset).await?;
    let (link, token_hash) = found.ok_or(Error::NotFound)?;
    let user = hub.store.find_user(link.user_id.unwrap_or(Id(0))).await?.ok_or(Error::NotFound)?;
    let own = [user.profile.name.as_str(), user.profile.email.as_str()];
    validate(fields::password(&password, &own).into_iter().collect())?;
    let tenant_id = first_place(hub, &user).await?.ok_or(Error::NotFound)?;
    let hash = hub.passwords.hash(password).await?;
    let awaits_totp = user.totp.as_ref().is_some_and(|totp| totp.on_at.is_some());
    let (session, signed_in) = new_session(hub, user.user_id, tenant_id, awaits_totp, origin);
    let by = By { actor: Actor::user(user.user_id, Roles::NONE), at: session.at };
    match hub.store.reset_password(by, &token_hash, &user, &hash, &session).await? {
        Saved::Done => Ok(signed_in),
        Saved::Outdated | Saved::KeyTaken => Err(Error::NotFound),
    }
}
