//! Who is signed in. A session is an opaque value in a cookie, of which the store knows the SHA-256 alone; it is read at every
//! page with the person and what they may do now, so that whatever is revoked is so at once.
//!
//! A session ends after 30 minutes without use and 12 hours after it began, when the password changes, and when the person is
//! suspended anywhere. Its value changes at each sign-in. One that waits for the second factor may do nothing else.

mod sign_in;

use std::sync::Arc;

use contract::control::{Page, ProblemCode, Theme, UserSession};
use domain::session::{NOTED_EVERY_MS, SECOND_FACTOR_MS, is_over};
use domain::{Act, Actor, Id, Role, Roles, TenantId};
use store::sessions::{FoundSession, NewSession, Which};
use store::tenants::Tenant;
use store::users::Membership as StoredMembership;
use store::{Fault, FaultKind};
use system::random;

use crate::error::authorize;
use crate::instant::rfc3339;
use crate::pages::whole;
use crate::{Error, Hub, keys};

pub(crate) use sign_in::first_place;
pub use sign_in::{SignIn, confirm_totp, sign_in};
pub use store::sessions::Origin;

/// Characters of a cookie's value: 256 bits.
const VALUE_LENGTH: usize = 43;
/// The most characters of a program's name that are stored.
const CLIENT_CHARS_MAX: usize = 200;

/// A session that begins: its value goes into the cookie, and nowhere else.
pub struct SignedIn {
    /// What the cookie holds: 43 letters and digits.
    pub cookie_value: String,
    /// Whether the second factor is to be shown next.
    pub awaits_totp: bool,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("awaits_totp", &self.awaits_totp).finish_non_exhaustive()
    }
}

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Nothing but show its second factor; it has neither tenants nor roles.
    AwaitsTotp,
    /// Nothing in the tenant but set up the second factor that the tenant demands; it has no role there.
    MustSetUpTotp,
    /// What its roles say.
    Full,
}

/// A person who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session's id; it may be shown.
    pub session_id: Id,
    /// Who.
    pub user: SessionUser,
    /// The tenants that the person is in and not suspended, oldest first.
    pub memberships: Vec<Membership>,
    /// The tenant that the session looks at; none for the operator's pages, or when it has to be chosen.
    pub tenant: Option<Arc<Tenant>>,
    /// The person with the roles in that tenant; with none while there is none.
    pub actor: Actor,
    /// The person as an operator, whichever tenant is looked at.
    pub operator: Option<Actor>,
    /// What the session may do.
    pub state: SessionState,
}

/// The person of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionUser {
    /// The person's id.
    pub user_id: Id,
    /// Full name.
    pub name: String,
    /// Mail address.
    pub email: String,
    /// The language of their pages; none for what the browser asks for.
    pub locale: Option<String>,
    /// The colours of their pages.
    pub theme: Theme,
    /// Whether they have a second factor.
    pub has_totp: bool,
}

impl std::fmt::Debug for SessionUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionUser").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// One tenant of a person.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// 16 lower-case hex digits.
    pub tenant_key: String,
    /// The tenant's shown name.
    pub tenant_name: String,
    /// What the person may do there.
    pub roles: Roles,
}

impl Session {
    /// The tenant that is looked at, where something of it is asked for.
    pub fn tenant(&self) -> Result<&Arc<Tenant>, Error> {
        self.tenant.as_ref().ok_or(Error::NotFound)
    }

    /// Refuses a session that may not do everything that its roles say, with [`ProblemCode::Forbidden`].
    pub fn is_full(&self) -> Result<(), Error> {
        match self.state {
            SessionState::Full => Ok(()),
            SessionState::AwaitsTotp | SessionState::MustSetUpTotp => {
                Err(Error::refused(ProblemCode::Forbidden, "expected the second factor first"))
            }
        }
    }

    /// Refuses a session that waits for its second factor, with [`ProblemCode::Forbidden`].
    pub(crate) fn is_beyond_totp(&self) -> Result<(), Error> {
        match self.state {
            SessionState::MustSetUpTotp => Ok(()),
            SessionState::AwaitsTotp | SessionState::Full => self.is_full(),
        }
    }
}

/// The session of a cookie's value; none when it is over, or was never one.
pub async fn authenticate(hub: &Hub, cookie_value: &str) -> Result<Option<Session>, Error> {
    let Some((found, hash)) = find(hub, cookie_value).await? else { return Ok(None) };
    let now = hub.installation_clock.now();
    if now.ms_since(found.last_seen_at) >= NOTED_EVERY_MS
        && let Err(fault) = hub.store.note_session_use(&hash, now).await
    {
        // What is read can be shown all the same.
        tracing::warn!(%fault, "a session's use was not noted");
    }
    session(hub, found).await
}

/// A session that is not over, and the hash of its value.
async fn find(hub: &Hub, cookie_value: &str) -> Result<Option<(FoundSession, [u8; 32])>, Error> {
    if cookie_value.len() != VALUE_LENGTH {
        return Ok(None);
    }
    let (hash, now) = (keys::hash(cookie_value), hub.installation_clock.now());
    let found = hub.store.find_session(&hash).await?;
    Ok(found.filter(|found| is_in_force(found, now)).map(|found| (found, hash)))
}

fn is_in_force(found: &FoundSession, now: domain::UnixMs) -> bool {
    let has_waited = found.awaits_totp && now.ms_since(found.created_at) >= SECOND_FACTOR_MS;
    !has_waited && !is_over(found.created_at, found.last_seen_at, now)
}

async fn session(hub: &Hub, found: FoundSession) -> Result<Option<Session>, Error> {
    let user_id = found.user_id;
    let (mut memberships, mut operator) = (Vec::new(), None);
    for place in found.memberships.iter().filter(|place| place.suspended_at.is_none()) {
        let roles = roles(place)?;
        match place.tenant_id {
            None => operator = Some(Actor::user(user_id, roles)),
            Some(tenant_id) => memberships.extend(membership(hub, tenant_id, roles).await?),
        }
    }
    if memberships.is_empty() && operator.is_none() {
        return Ok(None);
    }
    let chosen = memberships.iter().find(|it| Some(it.tenant.tenant_id) == found.tenant_id);
    let chosen = chosen.cloned();
    let demands = chosen.as_ref().is_some_and(|it| it.tenant.settings.totp_required);
    let state = match (found.awaits_totp, demands && !found.has_totp) {
        (true, _) => SessionState::AwaitsTotp,
        (false, true) => SessionState::MustSetUpTotp,
        (false, false) => SessionState::Full,
    };
    let roles = match (&chosen, found.tenant_id, state) {
        (Some(chosen), _, SessionState::Full) => chosen.roles,
        (None, None, SessionState::Full) => operator.map_or(Roles::NONE, |actor| actor.roles),
        _ => Roles::NONE,
    };
    let is_waiting = state == SessionState::AwaitsTotp;
    Ok(Some(Session {
        session_id: found.session_id,
        user: SessionUser {
            user_id,
            name: found.profile.name,
            email: found.profile.email,
            locale: found.locale,
            theme: found.theme,
            has_totp: found.has_totp,
        },
        memberships: if is_waiting { Vec::new() } else { memberships },
        tenant: chosen.filter(|_| !is_waiting).map(|chosen| chosen.tenant),
        actor: Actor::user(user_id, roles),
        operator: operator.filter(|_| !is_waiting),
        state,
    }))
}

async fn membership(
    hub: &Hub,
    tenant_id: TenantId,
    roles: Roles,
) -> Result<Option<Membership>, Error> {
    let Some(tenant) = hub.store.find_tenant(tenant_id).await? else { return Ok(None) };
    let (tenant_key, tenant_name) = (tenant_id.to_string(), tenant.name.clone());
    Ok(Some(Membership { tenant, tenant_key, tenant_name, roles }))
}

/// The roles of a membership. The operator's stand under no tenant, and nowhere else.
pub(crate) fn roles(place: &StoredMembership) -> Result<Roles, Fault> {
    let roles = Roles::parse(&place.roles);
    let is_operator = |roles: &Roles| roles.iter().any(|role| role == Role::Operator);
    roles
        .filter(|roles| is_operator(roles) == place.tenant_id.is_none())
        .ok_or_else(|| Fault::new(FaultKind::Damaged, "a member's roles are not of their tenant"))
}

/// Has the session look at another tenant of the person, or with none at the operator's pages.
pub async fn choose_tenant(
    hub: &Hub,
    session: &Session,
    tenant_id: Option<TenantId>,
) -> Result<(), Error> {
    session.is_beyond_totp()?;
    let (user_id, session_id) = (session.user.user_id, session.session_id);
    // As it is now: the person may have joined it a moment ago.
    let places = hub.store.list_memberships(user_id).await?;
    let is_there =
        |place: &StoredMembership| place.tenant_id == tenant_id && place.suspended_at.is_none();
    if !places.iter().any(is_there) {
        return Err(Error::NotFound);
    }
    Ok(hub.store.choose_session_tenant(user_id, session_id, tenant_id).await?)
}

/// One session of a person, as they see it themselves.
#[derive(Debug, Clone)]
pub struct OwnSession {
    /// What is known of it.
    pub view: UserSession,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// The person's own sessions, newest first, at most 200.
pub async fn list(hub: &Hub, session: &Session) -> Result<Vec<OwnSession>, Error> {
    session.is_beyond_totp()?;
    let now = hub.installation_clock.now();
    let found = hub.store.list_sessions(session.user.user_id, now).await?;
    let own = |facts: &store::sessions::SessionFacts| OwnSession {
        view: view(facts),
        is_this: facts.session_id == session.session_id,
    };
    Ok(found.iter().map(own).collect())
}

pub(crate) fn view(facts: &store::sessions::SessionFacts) -> UserSession {
    UserSession {
        session_id: facts.session_id.to_string(),
        address: facts.origin.address.clone(),
        client: facts.origin.client.clone(),
        created_at: rfc3339(facts.created_at),
        last_seen_at: rfc3339(facts.last_seen_at),
    }
}

/// Ends one of the person's own sessions; a repeat is no error.
pub async fn revoke(hub: &Hub, session: &Session, session_id: Id) -> Result<(), Error> {
    session.is_beyond_totp()?;
    let by = hub.by(&session.actor);
    hub.store.end_sessions(by, session.user.user_id, Which::One(session_id)).await?;
    Ok(())
}

/// Ends all of the person's own sessions but this one.
pub async fn revoke_all(hub: &Hub, session: &Session) -> Result<(), Error> {
    session.is_beyond_totp()?;
    let by = hub.by(&session.actor);
    hub.store.end_sessions(by, session.user.user_id, Which::AllBut(session.session_id)).await?;
    Ok(())
}

/// Ends the session of a cookie's value, whatever state it is in.
pub async fn sign_out(hub: &Hub, cookie_value: &str) -> Result<(), Error> {
    if cookie_value.len() != VALUE_LENGTH {
        return Ok(());
    }
    Ok(hub.store.end_session(&keys::hash(cookie_value)).await?)
}

/// The sessions of a member that look at this tenant, newest first, for its admin.
pub async fn list_of_member(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    user_id: Id,
) -> Result<Page<UserSession>, Error> {
    authorize(actor, Act::ManageUsers)?;
    let tenant_id = Some(tenant.tenant_id);
    hub.store.find_member(tenant_id, user_id).await?.ok_or(Error::NotFound)?;
    let found = hub.store.list_sessions(user_id, hub.installation_clock.now()).await?;
    let of_tenant = found.iter().filter(|facts| facts.tenant_id == tenant_id);
    Ok(whole(of_tenant.map(view).collect()))
}

/// Ends sessions of a member that look at this tenant: one, or all. A repeat is no error.
pub async fn revoke_of_member(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    user_id: Id,
    session_id: Option<Id>,
) -> Result<(), Error> {
    authorize(actor, Act::ManageUsers)?;
    hub.store.find_member(Some(tenant.tenant_id), user_id).await?.ok_or(Error::NotFound)?;
    let which = match session_id {
        Some(session_id) => Which::OneOfTenant(tenant.tenant_id, session_id),
        None => Which::OfTenant(tenant.tenant_id),
    };
    hub.store.end_sessions(hub.by(actor), user_id, which).await?;
    Ok(())
}

/// A session to be begun, and its cookie's value.
pub(crate) fn new_session(
    hub: &Hub,
    user_id: Id,
    tenant_id: Option<TenantId>,
    awaits_totp: bool,
    origin: Origin,
) -> (NewSession, SignedIn) {
    let (value, at) = (random::secret_of(VALUE_LENGTH), hub.installation_clock.now());
    let client = origin.client.chars().take(CLIENT_CHARS_MAX).collect();
    let session = NewSession {
        hash: keys::hash(&value),
        session_id: hub.store.make_id(at),
        user_id,
        tenant_id,
        awaits_totp,
        origin: Origin { client, ..origin },
        at,
    };
    (session, SignedIn { cookie_value: value, awaits_totp })
}
