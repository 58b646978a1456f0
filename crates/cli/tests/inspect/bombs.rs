//! Files that are meant to exhaust or to break a parser.

use super::file::{File, flate, flate_of_zeros, nested};

/// Every bomb with its name.
pub(crate) fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let mut bombs = streams();
    bombs.extend(depths());
    bombs.extend(trees());
    bombs.extend(tables());
    bombs.extend(sizes());
    bombs
}

/// Streams that are much larger than they look.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let filters = |count: usize| format!("/Filter [{}]", "/FlateDecode ".repeat(count));
    let mut often = b"x".repeat(1_000);
    for _ in 0..20 {
        often = flate(&often);
    }
    let twice = flate(&flate_of_zeros(100));
    let thrice = flate(&flate(&flate_of_zeros(200)));
    let drawing = |entries: &str, data: &[u8]| File::sound("").stream(4, entries, data).end();
    let objects = |entries: &str, data: &[u8]| {
        let file = File::sound("").stream(4, "", b"x").stream(
            5,
            &format!("/Type /ObjStm {entries}"),
            data,
        );
        let table = file.place();
        // A table in a stream, which says that object 6 lies in stream 5.
        let rows = file.rows(&[(6, 5)]);
        file.stream(7, "/Type /XRef /Size 8 /W [1 4 2] /Root 1 0 R", &rows).end_at(table, "")
    };
    vec![
        ("drawing of 100 MiB", drawing("/Filter /FlateDecode", &flate_of_zeros(100))),
        ("drawing packed twice", drawing(&filters(2), &twice)),
        ("drawing packed thrice", drawing(&filters(3), &thrice)),
        ("20 nested filters", drawing(&filters(20), &often)),
        ("10,000 filters", drawing(&filters(10_000), b"x")),
        ("run lengths", drawing("/Filter /RunLengthDecode", &[0x81, 0].repeat(600_000))),
        (
            "predictor of huge rows",
            drawing(
                "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 32 >>",
                &flate_of_zeros(70),
            ),
        ),
        (
            "object stream of 100 MiB",
            objects("/N 1 /First 4 /Filter /FlateDecode", &flate_of_zeros(100)),
        ),
        ("object stream of 2^31 objects", objects("/N 2147483647 /First 4", b"6 0 << >>")),
        ("object stream that begins behind its end", objects("/N 1 /First 99999999", b"6 0 << >>")),
        ("object stream in itself", objects("/N 1 /First 4 /Extends 5 0 R", b"5 0 << >>")),
    ]
}

/// Values within values.
fn depths() -> Vec<(&'static str, Vec<u8>)> {
    let value = |content: Vec<u8>| File::sound("").stream(4, "", b"x").object(5, content).end();
    vec![
        ("10,000 arrays in arrays", value(nested("[", "]", 10_000))),
        ("5,000,000 arrays in arrays", value(nested("[", "]", 5_000_000))),
        ("5,000,000 arrays without an end", value(nested("[", "", 5_000_000))),
        ("100,000 dictionaries in dictionaries", value(nested("<< /A ", ">>", 100_000))),
        ("strings in strings", value(nested("(", ")", 1_000_000))),
        ("arrays in a catalog", {
            let deep = String::from_utf8(nested("[", "]", 50_000)).unwrap();
            File::sound(&format!("/X {deep}")).stream(4, "", b"x").end()
        }),
    ]
}

/// Trees of pages that have no end.
fn trees() -> Vec<(&'static str, Vec<u8>)> {
    let catalog = || File::new().object(1, "<< /Type /Catalog /Pages 2 0 R >>");
    let mut chain = catalog();
    let mut shared = catalog();
    for node in 2..12_000 {
        let kid = node + 1;
        chain = chain.object(node, format!("<< /Type /Pages /Kids [{kid} 0 R] /Count 1 >>"));
    }
    for node in 2..60 {
        let kid = node + 1;
        shared =
            shared.object(node, format!("<< /Type /Pages /Kids [{kid} 0 R {kid} 0 R] /Count 2 >>"));
    }
    vec![
        (
            "pages in themselves",
            catalog().object(2, "<< /Type /Pages /Kids [2 0 R] /Count 1 >>").end(),
        ),
        (
            "pages in a ring",
            catalog()
                .object(2, "<< /Type /Pages /Kids [3 0 R] /Count 9 >>")
                .object(3, "<< /Type /Pages /Kids [4 0 R 2 0 R] /Count 9 >>")
                .object(4, "<< /Type /Page >>")
                .end(),
        ),
        ("pages 12,000 deep", chain.object(12_000, "<< /Type /Page >>").end()),
        ("2^58 pages by sharing", shared.object(60, "<< /Type /Page >>").end()),
        ("no pages", catalog().object(2, "<< /Type /Pages /Kids [] /Count 0 >>").end()),
        ("references in a ring", {
            File::new().object(1, "2 0 R").object(2, "3 0 R").object(3, "1 0 R").end()
        }),
        ("a length that is its own", {
            File::sound("").object(4, "<< /Length 4 0 R >>\nstream\nx\nendstream").end()
        }),
    ]
}

/// Tables of objects that lead astray.
fn tables() -> Vec<(&'static str, Vec<u8>)> {
    let sound = || File::sound("").stream(4, "", b"x");
    let stream_table = |entries: &str, rows: &[u8]| {
        let file = sound();
        let table = file.place();
        file.stream(5, &format!("/Type /XRef /Root 1 0 R {entries}"), rows).end_at(table, "")
    };
    let ring = {
        let file = sound();
        let table = file.place();
        let trailer = format!("trailer\n<< /Size 5 /Root 1 0 R /Prev {table} >>\n");
        file.raw(b"xref\n0 1\n0000000000 65535 f \n").end_at(table, &trailer)
    };
    let huge = {
        let file = sound();
        let table = file.place();
        file.raw(b"xref\n0 4294967295\n0000000000 65535 f \n")
            .end_at(table, "trailer\n<< /Size 4294967295 /Root 1 0 R >>\n")
    };
    vec![
        ("table of 2^32 rows", huge),
        ("tables in a ring", ring),
        ("table stream of 2^31 rows", stream_table("/Size 2147483647 /W [1 2 1]", b"x")),
        ("table stream of huge fields", stream_table("/Size 9 /W [2147483647 2147483647 9]", b"x")),
        (
            "table stream of many parts",
            stream_table(
                &format!("/Size 9 /W [0 0 0] /Index [{}]", "0 2147483647 ".repeat(1_000)),
                b"x",
            ),
        ),
        (
            "table stream of 100 MiB",
            stream_table("/Size 26000000 /W [1 2 1] /Filter /FlateDecode", &flate_of_zeros(100)),
        ),
        ("table behind the end", sound().end_at(usize::MAX / 2, "")),
    ]
}

/// Much of one thing.
fn sizes() -> Vec<(&'static str, Vec<u8>)> {
    let value = |content: Vec<u8>| File::sound("").stream(4, "", b"x").object(5, content).end();
    let objects: Vec<u8> = (10..2_000_010)
        .flat_map(|number| format!("{number} 0 obj\n[[]]\nendobj\n").into_bytes())
        .collect();
    vec![
        ("2,000,000 objects without a table", {
            let file = File::sound("").stream(4, "", b"x").raw(&objects);
            file.end_at(7, "trailer\n<< /Root 1 0 R >>\n")
        }),
        (
            "an array of 8,000,000 dictionaries",
            value([b"[".to_vec(), b"<<>>".repeat(8_000_000), b"]".to_vec()].concat()),
        ),
        ("a length of 2^63", {
            File::sound("")
                .object(4, "<< /Length 9223372036854775807 >>\nstream\nx\nendstream")
                .end()
        }),
        ("a string without an end", value([b"(".to_vec(), vec![b'x'; 20_000_000]].concat())),
    ]
}
