//! README's first call with an official SDK, line by line as it stands there, against a server.

use std::path::Path;

use crate::field;
use crate::harness::{World, python};

/// One block of code: its language and its text.
type Block<'t> = (&'t str, &'t str);

fn section(readme: &str) -> Vec<Block<'_>> {
    let (_, section) = readme.split_once("\n## The first call with an official SDK\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let inside = section.split("\n```").skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').unwrap()).collect()
}

/// What the reader puts in place of the capitals, filled in as the commands print it.
#[derive(Default)]
struct Placeholders(Vec<(&'static str, String)>);

impl Placeholders {
    fn learn(&mut self, line: &str, printed: &str) {
        let names: &[(&str, &str)] = match () {
            () if line.starts_with("probity tenant create") => &[("TENANT_KEY", "tenant")],
            () if line.starts_with("probity app create") => {
                &[("APP_ID", "app"), ("APP_SECRET", "app secret")]
            }
            () if line.starts_with("probity account bind") => &[("ACCOUNT_ID", "account")],
            () if line.starts_with("probity order place") => &[("ORDER_ID", "order")],
            () => &[],
        };
        let learned = names.iter().map(|(name, label)| (*name, field(printed, label).to_owned()));
        self.0.extend(learned);
    }

    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// The value; empty while it is not known.
    fn get(&self, name: &str) -> String {
        let known = self.0.iter().find(|(known, _)| *known == name);
        known.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

#[test]
fn readmes_first_call_works_as_it_stands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let blocks = section(&readme);
    let languages: Vec<_> = blocks.iter().map(|(language, _)| *language).collect();
    assert_eq!(languages, ["sh", "python", "sh", "python", "sh"]);
    if !python().exists() {
        let is_demanded = ["DEMANDED", "CI"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!is_demanded, "Python's SDK is missing");
        eprintln!("not tried: README's first call, since Python's SDK is missing");
        return;
    }

    let serve = "probity serve --data ./data ";
    let flags = blocks[0].1.lines().find_map(|line| line.strip_prefix(serve)).unwrap();
    let flags: Vec<_> = flags.split(" &").next().unwrap().split(' ').collect();
    let world = World::start_with(&flags);
    let mut placeholders = Placeholders::default();
    let mut program = String::new();
    let mut printed = String::new();
    for (language, text) in blocks {
        if language == "python" {
            // Each block goes on where the one before stopped; what that one did is refused again.
            program += &placeholders.fill(&text.replace("http://127.0.0.1:8090", &world.url));
            program.push('\n');
            let line = format!("python3 - <<'EOF'\n{program}\nEOF");
            let answers = world.shell(&line, "").text();
            assert!(answers.lines().last().unwrap().starts_with("0 success"), "{answers}");
            continue;
        }
        let lines = text.lines().filter(|line| line.starts_with("probity "));
        for line in lines.filter(|line| !line.starts_with(serve)) {
            let line = placeholders.fill(line);
            printed = world.shell(&line, &placeholders.get("TENANT_KEY")).text();
            placeholders.learn(&line, &printed);
        }
    }
    assert_eq!(field(&printed, "state"), "completed (3)");
}
