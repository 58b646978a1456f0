//! The first set-up: an installation without any person gives an address that is good once; who opens it becomes the first
//! person.
//!
//! They are an operator, and the admin of the first tenant if they name one. They do not become admin of a tenant that is
//! there already: that tenant invites its people itself, with the key that its admin has.

use domain::people::{ACCESS_LINK_MS, OneTimeLinkKind};
use domain::{Actor, Id, Role, Roles, TenantId};
use store::audit::By;
use store::one_time_links::OneTimeLink;
use store::set_up::FirstTenant;
use store::tenants::TenantSettings;
use store::users::{NewUser, Profile};
use store::{Fault, Saved};
use system::random;

use crate::error::validate;
use crate::passwords::Password;
use crate::sessions::{Origin, SignedIn, new_session};
use crate::users::fields;
use crate::{Error, Hub, one_time};

/// The path of the page that sets up, below the public address.
pub const PATH: &str = "/setup";
const RETENTION_DAYS: u32 = 365;
const LOCALE: &str = "zh-CN";

/// What the first person says.
pub struct SetUp {
    /// The shown name of the first tenant; none when the person is an operator alone.
    pub tenant_name: Option<String>,
    /// The person's full name.
    pub name: String,
    /// The person's mail address.
    pub email: String,
    /// The person's password.
    pub password: Password,
    /// The language of the person's pages and of the tenant; none for what the browser asks for.
    pub locale: Option<String>,
}

/// Whether the installation has no person yet.
pub async fn is_needed(hub: &Hub) -> Result<bool, Error> {
    Ok(!hub.store.has_users().await?)
}

/// An address at which the installation is set up, good once and for 24 hours; the one before is good no more. None when there
/// is a person already.
pub async fn begin(hub: &Hub) -> Result<Option<String>, Fault> {
    if hub.store.has_users().await? {
        return Ok(None);
    }
    let (token, hash) = one_time::new_token();
    let at = hub.installation_clock.now();
    let link = OneTimeLink {
        link_id: hub.store.make_id(at),
        kind: OneTimeLinkKind::SetUp,
        tenant_id: None,
        user_id: None,
        roles: Role::Operator.as_str().to_owned(),
        email: String::new(),
        created_by: Id(0),
        created_at: at,
        expires_at: at.plus_ms(ACCESS_LINK_MS),
        used_at: None,
        revoked_at: None,
    };
    hub.store.create_one_time_link(By::system(at), &hash, &link, None).await?;
    Ok(Some(one_time::address(hub, PATH, &token)))
}

/// Whether [`complete`] would take this token.
pub async fn is_open(hub: &Hub, token: &str) -> Result<bool, Error> {
    Ok(one_time::find(hub, token, OneTimeLinkKind::SetUp).await?.is_some()
        && is_needed(hub).await?)
}

/// Makes the first person, and their tenant if they name one, and signs them in.
///
/// Refuses as [`Error::NotFound`] a token that is not good any more, and once there is a person.
pub async fn complete(
    hub: &Hub,
    token: &str,
    input: SetUp,
    origin: Origin,
) -> Result<SignedIn, Error> {
    let Some((_, hash)) = one_time::find(hub, token, OneTimeLinkKind::SetUp).await? else {
        return Err(Error::NotFound);
    };
    let mut faults = fields::person(&input.name, &input.email, input.locale.as_deref());
    if let Some(name) = &input.tenant_name {
        faults.extend(fields::text("tenant_name", name));
    }
    faults.extend(fields::password(&input.password, &[&input.name, &input.email]));
    validate(faults)?;
    let password_hash = hub.passwords.hash(input.password).await?;
    let at = hub.installation_clock.now();
    let locale = input.locale.clone().unwrap_or_else(|| LOCALE.to_owned());
    let tenant = input.tenant_name.map(|name| first_tenant(hub, name, locale));
    let user = NewUser {
        user_id: hub.store.make_id(at),
        profile: Profile { name: input.name, email: input.email.trim().to_owned() },
        password_hash,
        locale: input.locale,
    };
    let by = By { actor: Actor::user(user.user_id, Roles::NONE), at };
    let tenant_id = tenant.as_ref().map(|tenant| tenant.tenant_id);
    let (session, signed_in) = new_session(hub, user.user_id, tenant_id, false, origin);
    match hub.store.set_up(by, &hash, &user, tenant.as_ref(), &session).await? {
        Saved::Done => Ok(signed_in),
        Saved::Outdated | Saved::KeyTaken => Err(Error::NotFound),
    }
}

fn first_tenant(hub: &Hub, name: String, locale: String) -> FirstTenant {
    let bounds = hub.retention;
    let days = RETENTION_DAYS.clamp(bounds.min_days, bounds.max_days);
    let settings = TenantSettings {
        retention_days: i64::from(days),
        report_approval: true,
        locale,
        ..TenantSettings::default()
    };
    FirstTenant { tenant_id: TenantId(random::bits()), name, settings }
}
