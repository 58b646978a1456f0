//! The rules by which tables can be distributed by `tenant_id`, held against every statement and the migrated schema.
//!
//! Which tables are distributed and which are copied to every node is read from `docs/scale-out.md`, as an operator reads
//! it: a table that is missing there fails here.

use std::collections::BTreeSet;

use crate::statements::{all_of_postgres, migrated_postgres};

/// What breaks the rules all the same: how to know it, and why it may.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "unnest(",
    "the order desk's batch of many tenants: run on a single server, never where tables are distributed",
)];

/// What a statement touches that does not say whose rows it means.
const SEVERAL: &str = "rows of no tenant, or of several";

const PAGE: &str = include_str!("../../../docs/scale-out.md");

/// The tables by how they are distributed.
struct Tables {
    of_tenants: BTreeSet<&'static str>,
    reference: BTreeSet<&'static str>,
}

impl Tables {
    fn of_page() -> Tables {
        let of = |call: &str| {
            let names = PAGE.lines().filter_map(|line| line.trim().strip_prefix(call));
            names.filter_map(|rest| rest.split('\'').nth(1)).collect::<BTreeSet<_>>()
        };
        let of_tenants = of("SELECT create_distributed_table(");
        Tables { of_tenants, reference: of("SELECT create_reference_table(") }
    }

    fn all(&self) -> BTreeSet<&'static str> {
        self.of_tenants.union(&self.reference).copied().collect()
    }
}

/// A word of a statement and how many parentheses it stands in.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    text: String,
    depth: usize,
}

fn words(sql: &str) -> Vec<Word> {
    let (mut words, mut depth, mut is_open) = (Vec::<Word>::new(), 0, false);
    for sign in sql.to_lowercase().chars() {
        let is_part = sign.is_alphanumeric() || matches!(sign, '_' | '.' | '$');
        match words.last_mut().filter(|_| is_part && is_open) {
            Some(word) => word.text.push(sign),
            None if sign.is_whitespace() => {}
            None => {
                depth -= usize::from(sign == ')');
                words.push(Word { text: sign.to_string(), depth });
                depth += usize::from(sign == '(');
            }
        }
        is_open = is_part;
    }
    words
}

fn is_tenant_id(word: &Word) -> bool {
    word.text == "tenant_id" || word.text.ends_with(".tenant_id")
}

/// Whether it is the same for a whole statement: a parameter, or the operator's 0.
fn is_one_value(word: &Word) -> bool {
    word.text.starts_with('$') || word.text == "0"
}

/// What a statement breaks; none when it keeps the rules.
fn broken(sql: &str, tables: &Tables) -> Option<&'static str> {
    let words = words(sql);
    let text = |index: usize| words.get(index).map_or("", |word: &Word| word.text.as_str());
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.text.as_str()));
    if has(&["recursive"]) {
        return Some("a recursive CTE");
    }
    let changes = ["insert", "update", "delete"];
    if text(0) == "with" && has(&changes) {
        return Some("a modifying CTE");
    }
    let is_write = changes.contains(&text(0));
    let locks = (1..words.len()).any(|index| {
        text(index - 1) == "for" && ["update", "share", "no", "key"].contains(&text(index))
    });
    if !(is_write || locks) {
        return None;
    }
    if has(&["unnest"]) {
        return Some("rows of unnest");
    }
    let named: Vec<(usize, &str)> = (1..words.len())
        .filter(|index| ["from", "join", "into", "update"].contains(&text(index - 1)))
        .filter_map(|index| tables.all().get(text(index)).map(|name| (index, *name)))
        .collect();
    let of_tenants = named.iter().filter(|(_, name)| tables.of_tenants.contains(name)).count();
    let Some((target, name)) = named.first() else { return Some("no table that is known") };
    if !tables.of_tenants.contains(name) {
        return (of_tenants > 0).then_some("rows of tenants in a write to a reference table");
    }
    // `tenant_id = …`: of the target, outside of every subquery, a value; of any other table also another's column.
    let equal = |is: &dyn Fn(&Word, &Word) -> bool| {
        let equals = words.windows(3).filter(|it| it[1].text == "=" && is_tenant_id(&it[0]));
        equals.filter(|it| is(&it[0], &it[2])).count()
    };
    let is_insert = text(0) == "insert";
    let names_one = match is_insert {
        true => inserts_one_tenant(&words[target + 1..]),
        false => {
            let has_or = words.iter().any(|word| word.depth == 0 && word.text == "or");
            !has_or && equal(&|column, to| column.depth == 0 && is_one_value(to)) > 0
        }
    };
    if !names_one {
        return Some(SEVERAL);
    }
    let named = equal(&|_, to| is_one_value(to) || is_tenant_id(to));
    if named < of_tenants - usize::from(is_insert) {
        return Some("a table without its tenant");
    }
    let conflict =
        words.windows(2).position(|two| two[0].text == "on" && two[1].text == "conflict");
    let target = conflict.map(|at| words[at + 3..].iter().take_while(|word| word.depth > 0));
    let names_tenant = target.is_none_or(|mut target| target.any(is_tenant_id));
    (!names_tenant).then_some("ON CONFLICT without the tenant")
}

/// Whether what follows the name of a table in an INSERT gives each row the same tenant.
fn inserts_one_tenant(words: &[Word]) -> bool {
    let columns: Vec<_> = words.iter().skip(1).take_while(|word| word.depth > 0).collect();
    let columns = columns.split(|word| word.text == ",");
    let Some(place) =
        columns.into_iter().position(|column| column.iter().any(|it| is_tenant_id(it)))
    else {
        return false;
    };
    let end = words.iter().position(|word| word.text == ")").map_or(0, |end| end + 1);
    let (verb, rest) = words[end..].split_first().expect("an INSERT has a source");
    if verb.text == "select" {
        let list: Vec<_> = rest.iter().take_while(|word| word.text != "from").collect();
        let mut items = list.split(|word| word.text == "," && word.depth == 0);
        return items.nth(place).is_some_and(|item| is_tenant_id(item[0]) || is_one_value(item[0]));
    }
    let rows = rest.iter().take_while(|word| word.text != "on").filter(|word| word.text != ")");
    let rows: Vec<_> = rows.filter(|word| word.depth > 0 || word.text == "(").collect();
    let tenants: BTreeSet<_> = rows
        .split(|word| word.text == "(" && word.depth == 0)
        .skip(1)
        .map(|row| {
            row.split(|word| word.text == ",").nth(place).map(|value| value[0].text.as_str())
        })
        .collect();
    tenants.len() == 1
        && tenants.iter().all(|it| it.is_some_and(|it| it.starts_with('$') || it == "0"))
}

#[test]
fn what_locks_or_writes_names_one_tenant() {
    let tables = Tables::of_page();
    let (mut excused, mut written) = (BTreeSet::new(), BTreeSet::new());
    for sql in all_of_postgres() {
        let broken = broken(&sql, &tables);
        let exception = EXCEPTIONS.iter().find(|(mark, _)| sql.contains(mark));
        assert!(broken.is_none() || exception.is_some(), "{}:\n{sql}", broken.unwrap_or_default());
        excused.extend(exception.filter(|_| broken.is_some()).map(|(mark, _)| *mark));
        let words = words(&sql);
        written.extend(words.into_iter().map(|word| word.text).filter(|word| {
            sql.starts_with(|first: char| "IUD".contains(first))
                && tables.of_tenants.contains(word.as_str())
        }));
    }
    let all: BTreeSet<_> = EXCEPTIONS.iter().map(|(mark, _)| *mark).collect();
    assert_eq!(excused, all, "an exception that nothing needs");
    let never: Vec<_> = tables.of_tenants.iter().filter(|name| !written.contains(**name)).collect();
    assert!(never.is_empty(), "no statement was seen that writes {never:?}");
}

#[test]
fn a_statement_that_breaks_a_rule_is_refused() {
    let tables = Tables::of_page();
    for (sql, expected) in [
        ("UPDATE orders SET state = $1 WHERE order_id = $2", Some(SEVERAL)),
        ("UPDATE orders SET state = $1 WHERE tenant_id > $2", Some(SEVERAL)),
        ("UPDATE orders SET state = $1 WHERE tenant_id IN ($2, 0)", Some(SEVERAL)),
        (
            "UPDATE orders SET state = 1 WHERE EXISTS (SELECT 1 FROM holds h WHERE h.tenant_id = $1)",
            Some(SEVERAL),
        ),
        ("UPDATE orders SET state = 1 WHERE tenant_id = $1 OR order_id = $2", Some(SEVERAL)),
        (
            "UPDATE orders SET state = 1 WHERE order_id IN \
             (SELECT order_id FROM orders o WHERE o.tenant_id = orders.tenant_id AND o.tenant_id = $1)",
            Some(SEVERAL),
        ),
        (
            "DELETE FROM orders WHERE tenant_id = $1 AND order_id IN (SELECT order_id FROM holds)",
            Some("a table without its tenant"),
        ),
        ("DELETE FROM deliveries", Some(SEVERAL)),
        ("INSERT INTO holds (order_id) VALUES ($1)", Some(SEVERAL)),
        ("INSERT INTO holds (order_id, tenant_id) VALUES ($1, $2), ($3, $4)", Some(SEVERAL)),
        (
            "INSERT INTO holds (tenant_id) SELECT tenant_id FROM orders",
            Some("a table without its tenant"),
        ),
        (
            "INSERT INTO holds (tenant_id, order_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            Some("ON CONFLICT without the tenant"),
        ),
        (
            "INSERT INTO holds (tenant_id, order_id) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING",
            Some("ON CONFLICT without the tenant"),
        ),
        ("SELECT state FROM orders WHERE order_id = $1 FOR UPDATE", Some(SEVERAL)),
        ("SELECT 1 FROM reports WHERE due_at < $1 FOR UPDATE SKIP LOCKED", Some(SEVERAL)),
        (
            "SELECT 1 FROM unnest($1::bigint[]) k JOIN orders o ON o.tenant_id = k FOR UPDATE OF o",
            Some("rows of unnest"),
        ),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT 1 FROM a", Some("a recursive CTE")),
        (
            "WITH a AS (UPDATE orders SET state = 1 WHERE tenant_id = $1 RETURNING 1) SELECT 1 FROM a",
            Some("a modifying CTE"),
        ),
        (
            "UPDATE apps SET version = 1 WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE tenant_id = $1)",
            Some("rows of tenants in a write to a reference table"),
        ),
        ("UPDATE elsewhere SET a = 1", Some("no table that is known")),
        ("SELECT tenant_id FROM deliveries WHERE due_at < $1", None),
        ("UPDATE apps SET version = version + 1 WHERE app_id = $1", None),
        ("UPDATE deliveries SET state = 1 WHERE tenant_id = 0 AND event_no = $1", None),
        ("SELECT state FROM orders o WHERE o.tenant_id = $1 AND order_id = $2 FOR UPDATE", None),
        (
            "INSERT INTO holds (order_id, tenant_id) VALUES ($1, $2), ($3, $2) \
             ON CONFLICT (tenant_id, order_id) DO NOTHING",
            None,
        ),
        (
            "INSERT INTO holds (order_id, tenant_id) SELECT o.order_id, o.tenant_id FROM orders o WHERE o.tenant_id = $1",
            None,
        ),
    ] {
        assert_eq!(broken(sql, &tables), expected, "{sql}");
    }
}

/// The names that a question to the catalogue gives.
async fn names(client: &tokio_postgres::Client, sql: &str) -> BTreeSet<String> {
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_schema_can_be_distributed_as_the_page_says() {
    let Some(client) = migrated_postgres().await else { return };
    let tables = Tables::of_page();
    let all = names(
        &client,
        "SELECT relname::text FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r' \
         AND relname NOT IN ('here', 'refinery_schema_history')",
    )
    .await;
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(all, tables.all(), "the tables of docs/scale-out.md are not those of the schema");
    assert!(tables.of_tenants.is_disjoint(&tables.reference));
    let of_tenants = names(
        &client,
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind = 'r' AND a.attname = 'tenant_id' AND a.attnotnull",
    )
    .await;
    let of_tenants: BTreeSet<&str> = of_tenants.iter().map(String::as_str).collect();
    assert_eq!(of_tenants, tables.of_tenants, "a table of tenants has a tenant in each row");

    let unique = client
        .query(
            "SELECT t.relname::text, i.relname::text, EXISTS (SELECT 1 FROM pg_attribute a \
               WHERE a.attrelid = t.oid AND a.attnum = ANY (x.indkey) AND a.attname = 'tenant_id'), x.indisprimary \
             FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
             WHERE t.relnamespace = pg_my_temp_schema() AND x.indisunique AND t.relname <> 'refinery_schema_history'",
            &[],
        )
        .await
        .unwrap();
    let mut keyed = BTreeSet::new();
    for row in &unique {
        let (table, index): (&str, &str) = (row.get(0), row.get(1));
        let has_tenant = row.get::<_, bool>(2) || !tables.of_tenants.contains(table);
        assert!(has_tenant, "the unique index {index} of {table} has no tenant_id");
        keyed.extend(row.get::<_, bool>(3).then_some(table));
    }
    assert_eq!(keyed, all, "a table without a primary key is distributed badly");

    let of_schema = "WHERE c.relnamespace = pg_my_temp_schema()";
    for (what, sql) in [
        (
            "defaults by a sequence",
            format!(
                "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d \
                 ON d.adrelid = c.oid AND d.adnum = a.attnum {of_schema} AND (a.attidentity <> '' \
                 OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%')"
            ),
        ),
        (
            "sequences",
            format!("SELECT c.relname::text FROM pg_class c {of_schema} AND c.relkind = 'S'"),
        ),
        (
            "triggers",
            format!(
                "SELECT c.relname::text FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid {of_schema}"
            ),
        ),
        (
            "foreign keys, of which only those with the tenant, or to a reference table, can be distributed",
            format!(
                "SELECT c.relname::text FROM pg_class c JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' \
                 {of_schema}"
            ),
        ),
    ] {
        assert_eq!(names(&client, &sql).await, BTreeSet::new(), "{what}");
    }
}
