//! What is stored for whom, and how much may be.

use contract::control::{self, DiskRoom, PutQuota, Storage};
use domain::{Act, Actor};
use store::storage_use::StorageUse;

use crate::error::authorize;
use crate::{Error, Hub, Input};

pub use store::storage_use::Holder;

const PAGE: u32 = 500;

/// How much is stored for each tenant and each app, and how much room the disk has.
pub async fn list(hub: &Hub, actor: &Actor) -> Result<Storage, Error> {
    authorize(actor, Act::CareForInstallation)?;
    let mut items: Vec<control::StorageUse> = Vec::new();
    let mut after = None;
    loop {
        let page = hub.store.list_storage_use(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.holder);
        items.extend(page.iter().map(view));
    }
    let disk = hub.disk.room().map(|room| DiskRoom {
        free_bytes: room.free_bytes,
        reserve_bytes: room.reserve_bytes,
        is_short: room.is_short(),
    });
    Ok(Storage { disk, items })
}

/// How much is stored for a tenant, or for an app in all tenants.
pub async fn get(hub: &Hub, actor: &Actor, holder: Holder) -> Result<control::StorageUse, Error> {
    authorize(
        actor,
        match holder {
            Holder::Tenant(_) => Act::SeeTenant,
            Holder::App(_) => Act::ManageApps,
        },
    )?;
    Ok(view(&hub.store.find_storage_use(holder).await?))
}

/// Sets how much may be stored for a tenant or an app. What waits and fits goes on; nothing stored is removed.
pub async fn put(
    hub: &Hub,
    actor: &Actor,
    holder: Holder,
    input: Input<PutQuota>,
) -> Result<control::StorageUse, Error> {
    authorize(
        actor,
        match holder {
            Holder::Tenant(_) => Act::ManageTenants,
            Holder::App(_) => Act::ManageApps,
        },
    )?;
    let input = input.valid()?;
    let quota_bytes = input.quota_bytes.flatten();
    let quota_bytes = quota_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    hub.store.set_quota(holder, quota_bytes).await?;
    Ok(view(&hub.store.find_storage_use(holder).await?))
}

fn view(found: &StorageUse) -> control::StorageUse {
    let (tenant_key, app_id) = match found.holder {
        Holder::Tenant(tenant_id) => (Some(tenant_id.to_string()), None),
        Holder::App(app_id) => (None, Some(app_id.to_string())),
    };
    control::StorageUse {
        tenant_key,
        app_id,
        used_bytes: found.used_bytes.unsigned_abs(),
        quota_bytes: found.quota_bytes.unsigned_abs(),
        is_default: found.own_quota_bytes.is_none(),
        is_near_quota: found.is_near_quota(),
    }
}
