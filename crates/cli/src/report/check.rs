//! `probity report check`: rows, objects and hashes compared both ways, part by part.

use std::io::IsTerminal as _;

use contract::control::{CheckObjects, ObjectFinding, ObjectsChecked};

use crate::output::{Show, print_note, wire_name};
use crate::shared_args::Global;
use crate::table::Table;

const COLUMNS: &str = "WRONG|OBJECT|~OF|REMOVED";

impl Show for ObjectsChecked {
    fn show(&self, table: &mut Table) {
        table.field("rows", self.row_count.to_string());
        table.field("objects", self.object_count.to_string());
        table.field("bytes read", self.read_bytes.to_string());
        table.field("findings", self.findings.len().to_string());
        let rows: Vec<_> = self.findings.iter().map(cells).collect();
        if !rows.is_empty() {
            table.section("findings", COLUMNS, &rows);
        }
    }
}

fn cells(finding: &ObjectFinding) -> Vec<String> {
    let owner = match (&finding.report_id, &finding.version, &finding.file_id) {
        (Some(report_id), Some(version), _) => format!("report {report_id}, version {version}"),
        (_, _, Some(file_id)) => format!("file {file_id}"),
        _ => String::new(),
    };
    let removed = if finding.is_removed { "yes" } else { "no" };
    vec![wire_name(&finding.kind), finding.object.clone(), owner, removed.to_owned()]
}

pub(super) async fn run(global: &Global, quick: bool, sweep: bool) -> anyhow::Result<()> {
    let control = global.operator()?;
    let mut all = ObjectsChecked::default();
    let mut asked = CheckObjects { cursor: None, quick, sweep };
    loop {
        let part = control.check_objects(&asked).await?;
        all.row_count += part.row_count;
        all.object_count += part.object_count;
        all.read_bytes += part.read_bytes;
        all.findings.extend(part.findings);
        if std::io::stderr().is_terminal() {
            let ObjectsChecked { row_count, object_count, findings, .. } = &all;
            print_note(&format!(
                "{row_count} rows, {object_count} objects, {} findings",
                findings.len()
            ));
        }
        match part.next_cursor {
            Some(cursor) => asked.cursor = Some(cursor),
            None => break,
        }
    }
    global.print(&all)?;
    let left = all.findings.iter().filter(|finding| !finding.is_removed).count();
    if left > 0 {
        anyhow::bail!("expected every object to be as its row says, found {left} that are not");
    }
    Ok(())
}
