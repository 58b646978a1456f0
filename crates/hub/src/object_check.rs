//! Checks objects against rows and hashes, both ways, in parts, so that a million objects take many short calls.
//! Nothing is repaired; `sweep` removes objects without a row. The parts in order: versions of reports, files, objects,
//! drafts. The cursor says where a part ends, so that any replica can go on. Objects younger than an hour may be on
//! their way to a row and stay; the lease of a fetch is much shorter.

use contract::control::{CheckObjects, ObjectFinding, ObjectFindingKind, ObjectsChecked};
use domain::{Act, Actor, Id, TenantId};
use objects::{self, Unreadable};
use store::report_versions::{ExpectedKey, ExpectedObject};

use crate::error::authorize;
use crate::{Error, Hub, Input};

/// Rows or objects of a part.
const PART_MAX: u32 = 200;
/// Bytes of content after which a part ends.
const PART_BYTES: u64 = 64 << 20;
/// Age from which an object without a row will get none.
const GRACE_MS: i64 = 3_600_000;

/// Where a part of a check begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cursor {
    /// After this version of a report.
    Reports(TenantId, Id, i64),
    /// After this file.
    Files(TenantId, Id),
    /// After the object at this path.
    Objects(String),
    Drafts,
}

/// Checks one part; when that fails, what was removed before stays removed. Refuses a wrong `cursor`.
pub async fn check(
    hub: &Hub,
    actor: &Actor,
    asked: Input<CheckObjects>,
) -> Result<ObjectsChecked, Error> {
    authorize(actor, Act::CareForInstallation)?;
    let asked = asked.valid()?;
    let first = Cursor::Reports(TenantId(i64::MIN), Id(i64::MIN), 0);
    let cursor = match &asked.cursor {
        Some(cursor) => Cursor::read(cursor)
            .ok_or_else(|| Error::field("cursor", "expected a next_cursor of this check"))?,
        None => first,
    };
    let mut checked = ObjectsChecked::default();
    let next = match cursor {
        Cursor::Reports(tenant_id, report_id, version) => {
            let after = (tenant_id, report_id, version);
            let rows = hub.store.list_expected_reports(after, PART_MAX).await?;
            let next = rows_of(hub, &asked, &rows, &mut checked).await?;
            let cursor = next.map(|row| {
                Cursor::Reports(row.tenant_id, row.owner_id, row.version.unwrap_or_default())
            });
            Some(cursor.unwrap_or(Cursor::Files(TenantId(i64::MIN), Id(i64::MIN))))
        }
        Cursor::Files(tenant_id, file_id) => {
            let rows = hub.store.list_expected_files((tenant_id, file_id), PART_MAX).await?;
            let next = rows_of(hub, &asked, &rows, &mut checked).await?;
            let cursor = next.map(|row| Cursor::Files(row.tenant_id, row.owner_id));
            Some(cursor.unwrap_or(Cursor::Objects(String::new())))
        }
        Cursor::Objects(after) => {
            let last = objects_of(hub, &asked, &after, &mut checked).await?;
            Some(last.map_or(Cursor::Drafts, Cursor::Objects))
        }
        Cursor::Drafts => {
            let drafts = hub.objects.dead_drafts(asked.sweep).await.map_err(unreachable)?;
            checked.findings.extend(drafts.into_iter().map(|path| ObjectFinding {
                is_removed: asked.sweep,
                ..finding(ObjectFindingKind::Draft, path)
            }));
            None
        }
    };
    checked.next_cursor = next.map(|cursor| cursor.write());
    Ok(checked)
}

/// Checks the objects of rows; returns the last row when there may be more.
async fn rows_of<'a>(
    hub: &Hub,
    asked: &CheckObjects,
    rows: &'a [ExpectedObject],
    checked: &mut ObjectsChecked,
) -> Result<Option<&'a ExpectedObject>, Error> {
    for row in rows {
        checked.row_count += 1;
        if let Some((kind, detail)) = fault_of(hub, asked, row, checked).await? {
            checked.findings.push(ObjectFinding {
                tenant_key: Some(row.tenant_id.to_string()),
                report_id: row.version.map(|_| row.owner_id.to_string()),
                version: row.version.and_then(|version| u32::try_from(version).ok()),
                file_id: row.version.is_none().then(|| row.owner_id.to_string()),
                detail: Some(detail),
                ..finding(kind, objects::path(row.object_id))
            });
        }
        if checked.read_bytes >= PART_BYTES {
            return Ok(Some(row));
        }
    }
    Ok(rows.last().filter(|_| rows.len() >= PART_MAX as usize))
}

/// What is wrong with the object of a row.
async fn fault_of(
    hub: &Hub,
    asked: &CheckObjects,
    row: &ExpectedObject,
    checked: &mut ObjectsChecked,
) -> Result<Option<(ObjectFindingKind, String)>, Error> {
    let key = match &row.key {
        ExpectedKey::Opens(key) => key.bytes(),
        ExpectedKey::Erased => return Ok(None),
        ExpectedKey::Damaged => {
            let detail = "the key of the content does not open".to_owned();
            return Ok(Some((ObjectFindingKind::KeyDamaged, detail)));
        }
    };
    let (tenant_id, object_id) = (row.tenant_id, row.object_id);
    let size_bytes = u64::try_from(row.size_bytes).unwrap_or_default();
    let read = match asked.quick {
        true => hub.objects.open(tenant_id, object_id, key, size_bytes).await.map(|_| None),
        false => hub.objects.hash(tenant_id, object_id, key, size_bytes).await.map(Some),
    };
    Ok(match read {
        Ok(None) => None,
        Ok(Some(sha256)) => {
            checked.read_bytes += size_bytes;
            let is_right = sha256.as_slice() == row.sha256;
            let detail = "the content has another sha-256 than its row";
            (!is_right).then(|| (ObjectFindingKind::Damaged, detail.to_owned()))
        }
        Err(error @ Unreadable::Unreachable(_)) => return Err(error.into()),
        // It may have been erased meanwhile.
        Err(_) if !hub.store.knows_object(object_id).await? => None,
        Err(error @ Unreadable::Missing) => Some((ObjectFindingKind::Missing, error.to_string())),
        Err(error @ Unreadable::Damaged(_)) => {
            Some((ObjectFindingKind::Damaged, error.to_string()))
        }
    })
}

/// Checks the rows of objects; returns the last path when there may be more.
async fn objects_of(
    hub: &Hub,
    asked: &CheckObjects,
    after: &str,
    checked: &mut ObjectsChecked,
) -> Result<Option<String>, Error> {
    let listed = hub.objects.list(after, PART_MAX as usize).await.map_err(unreachable)?;
    let oldest_young = hub.installation_clock.now().plus_ms(-GRACE_MS);
    for object in &listed {
        checked.object_count += 1;
        let Some(object_id) = object.object_id else {
            checked.findings.push(finding(ObjectFindingKind::Unknown, object.path.clone()));
            continue;
        };
        if object.modified_at > oldest_young || hub.store.knows_object(object_id).await? {
            continue;
        }
        let is_removed = match asked.sweep {
            true => hub.objects.remove(object_id).await.map_err(unreachable)?,
            false => false,
        };
        checked.findings.push(ObjectFinding {
            is_removed,
            ..finding(ObjectFindingKind::Orphan, object.path.clone())
        });
    }
    Ok(listed.last().filter(|_| listed.len() >= PART_MAX as usize).map(|last| last.path.clone()))
}

fn finding(kind: ObjectFindingKind, object: String) -> ObjectFinding {
    ObjectFinding {
        kind,
        object,
        tenant_key: None,
        report_id: None,
        version: None,
        file_id: None,
        detail: None,
        is_removed: false,
    }
}

fn unreachable(error: std::io::Error) -> Error {
    Error::Objects(Unreadable::Unreachable(error))
}

impl Cursor {
    fn write(&self) -> String {
        match self {
            Cursor::Reports(tenant_id, report_id, version) => {
                format!("reports:{}:{}:{version}", tenant_id.0, report_id.0)
            }
            Cursor::Files(tenant_id, file_id) => format!("files:{}:{}", tenant_id.0, file_id.0),
            Cursor::Objects(after) => format!("objects:{after}"),
            Cursor::Drafts => "drafts".to_owned(),
        }
    }

    fn read(cursor: &str) -> Option<Cursor> {
        let (kind, rest) = cursor.split_once(':').unwrap_or((cursor, ""));
        let numbers =
            || rest.split(':').map(|number| number.parse().ok()).collect::<Option<Vec<i64>>>();
        match kind {
            "reports" => match numbers()?[..] {
                [tenant_id, report_id, version] => {
                    Some(Cursor::Reports(TenantId(tenant_id), Id(report_id), version))
                }
                _ => None,
            },
            "files" => match numbers()?[..] {
                [tenant_id, file_id] => Some(Cursor::Files(TenantId(tenant_id), Id(file_id))),
                _ => None,
            },
            "objects" => Some(Cursor::Objects(rest.to_owned())),
            "drafts" => rest.is_empty().then_some(Cursor::Drafts),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for cursor in [
            Cursor::Reports(TenantId(-1), Id(7), 3),
            Cursor::Files(TenantId(i64::MIN), Id(i64::MIN)),
            Cursor::Objects(String::new()),
            Cursor::Objects("0a/ff/00000000000000ff".to_owned()),
            Cursor::Drafts,
        ] {
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        for wrong in ["", "x", "reports", "reports:1:2", "files:a:2", "drafts:1"] {
            assert_eq!(Cursor::read(wrong), None, "{wrong}");
        }
    }
}
