//! Opening the memory of an installation and the contents of its reports and files.

use std::sync::Arc;

use domain::UnixMs;
use hub::root_key::{self, RootKeySettings, RootSource};
use objects::Objects;
use objects::TrialFailure;
use store::{Fault, FaultKind, Reload, RootKeys, Store};
use system::clock::Clock;
use system::load_shedder::CallRate;

use crate::authorities::{Authorities, BadAuthorities};
use crate::config::Config;
use crate::data_folder::{self, DATABASE_FILE, ObjectBackend, make_folder, object_backend};
use crate::start_error::StartError;

pub(crate) fn load_authorities(config: &Config) -> Result<Authorities, BadAuthorities> {
    Authorities::load(config.ca_file.as_deref())
}

/// Opens the memory of an installation that is there, for a command on its machine.
pub(crate) async fn open_installation(config: &Config, clock: &Clock) -> Result<Store, StartError> {
    let database = config.data.join(DATABASE_FILE);
    if config.database_url.is_none() && !database.exists() {
        let missing = format_args!("expected a database at {}", database.display());
        return Err(Fault::new(FaultKind::Schema, missing).into());
    }
    make_folder(&config.data)?;
    open_store(config, &root_source(config)?, clock.now()).await
}

pub(crate) fn root_source(config: &Config) -> Result<RootSource, StartError> {
    Ok(RootSource::new(RootKeySettings {
        data: config.data.clone(),
        present: config.root_key.clone(),
        next: config.root_key_next.clone(),
        command: config.root_key_command.clone(),
    })?)
}

/// Opens the memory under the root key that is in force among those that the source gives.
pub(crate) async fn open_store(
    config: &Config,
    source: &RootSource,
    now: UnixMs,
) -> Result<Store, StartError> {
    let (location, opening) = (data_folder::location(config), data_folder::opening(config)?);
    let from = source.name();
    let asked = source.clone();
    let given = root_key::blocking(move || asked.keys(true)).await?;
    let again = source.clone();
    let reload: Reload = Arc::new(move || match again.keys(false) {
        Ok(given) => given.keys,
        Err(error) => {
            tracing::error!(%error, "the root key was changed, and the new one is not found");
            Vec::new()
        }
    });
    let root = RootKeys::new(given.keys).reloaded_by(reload);
    let store = match Store::open_as(&location, root, now, &opening).await {
        Ok(store) => store,
        Err(fault) if fault.kind() == FaultKind::Lost && given.is_made => {
            source.unmake();
            return Err(fault.into());
        }
        Err(fault) if fault.kind() == FaultKind::WrongRootKey && given.is_made => {
            source.unmake();
            return Err(StartError::NoRootKey { from, fault });
        }
        Err(fault) if fault.kind() == FaultKind::WrongRootKey => {
            return Err(StartError::WrongRootKey { from, fault });
        }
        Err(fault) => return Err(fault.into()),
    };
    let (source, present_id) = (source.clone(), store.present_root_key_id());
    root_key::blocking(move || source.settle(&present_id)).await?;
    Ok(store)
}

/// Opens the place of the contents. A bucket is not asked yet.
pub(crate) async fn open_objects(
    config: &Config,
    call_rate: &CallRate,
) -> Result<Objects, StartError> {
    match object_backend(config) {
        ObjectBackend::Bucket(bucket) => open_bucket(bucket, config, call_rate),
        ObjectBackend::Folder(folder) => Objects::in_folder(&folder, call_rate)
            .await
            .map_err(|error| StartError::File(folder, error)),
    }
}

/// Refuses a bucket that cannot be used; one that does not answer is waited for, since orders go on without it.
#[cfg(feature = "s3")]
pub(crate) async fn try_out(objects: &Objects) -> Result<(), StartError> {
    match objects.try_out().await {
        Ok(()) => Ok(()),
        Err(failure @ TrialFailure::Refused { .. }) => Err(StartError::Bucket(failure)),
        Err(TrialFailure::Unreachable { bucket, cause }) => {
            tracing::error!(bucket, %cause, "the object store does not answer: reports and files wait for it");
            Ok(())
        }
    }
}

#[cfg(not(feature = "s3"))]
pub(crate) async fn try_out(_: &Objects) -> Result<(), StartError> {
    Ok(())
}

#[cfg(feature = "s3")]
fn open_bucket(
    backend: &str,
    config: &Config,
    call_rate: &CallRate,
) -> Result<Objects, StartError> {
    let s3 = &config.s3;
    let (bucket, prefix) = backend.split_once('/').unwrap_or((backend, ""));
    if bucket.is_empty() {
        return Err(StartError::Objects("objects as a folder or s3://bucket/prefix"));
    }
    let (Some(access_key_id), Some(secret_access_key)) = (&s3.access_key_id, &s3.secret_access_key)
    else {
        return Err(StartError::Objects(
            "PROBITY_S3_ACCESS_KEY_ID and PROBITY_S3_SECRET_ACCESS_KEY with objects in a bucket",
        ));
    };
    let settings = objects::BucketSettings {
        bucket: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        style: match s3.is_virtual_hosted {
            true => objects::BucketStyle::Virtual,
            false => objects::BucketStyle::Path,
        },
        access_key_id: access_key_id.clone(),
        secret_access_key: secret_access_key.clone(),
        authorities: load_authorities(config)?.own,
    };
    Objects::in_bucket(&settings, call_rate).map_err(StartError::ObjectStore)
}

#[cfg(not(feature = "s3"))]
fn open_bucket(_: &str, _: &Config, _: &CallRate) -> Result<Objects, StartError> {
    Err(StartError::Objects("objects as a folder: this program was built without the feature s3"))
}
