//! The command line as it was read, and how it writes what the API calls by another name.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use crate::args::Cli;

/// Members of the API's bodies whose flags have another name.
const FLAGS: &[(&str, &str)] = &[
    ("account_id", "account"),
    ("account_name", "name"),
    ("additional_item_id_list", "item"),
    ("app_id", "app"),
    ("candidate_info", "candidate"),
    ("client_contact_info", "contact"),
    ("custom_field_list", "field"),
    ("event_type", "type"),
    ("grace_seconds", "grace"),
    ("ip_allowlist", "allow-ip"),
    ("order_id", "order"),
    ("package_id", "package"),
    ("scopes", "scope"),
    ("states", "state"),
    ("tenant_key", "tenant"),
    ("usage_list", "usage"),
];

#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) command: String,
    /// Its flags, without the dashes; none when the API's body came as a file.
    flags: Vec<String>,
}

/// Reads the command line; ends the program with what is wrong with it.
pub(crate) fn parse() -> (Cli, Line) {
    read(&std::env::args_os().collect::<Vec<_>>()).unwrap_or_else(|error| error.exit())
}

fn read(words: &[OsString]) -> Result<(Cli, Line), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(words).map_err(|error| plain(error, words))?;
    let line = line(&command, &matches);
    Ok((Cli::from_arg_matches(&matches).map_err(|error| plain(error, words))?, line))
}

/// An error whose usage shows how the command is called; clap's own lists as required whatever was given or set.
fn plain(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let is_asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !is_asked_for && error.get(ContextKind::Usage).is_some() {
        let mut root = Cli::command();
        root.build();
        let mut command = &mut root;
        for word in words.iter().filter_map(|word| word.to_str()) {
            if command.find_subcommand(word).is_some() {
                command = command.find_subcommand_mut(word).expect("it was just found");
            }
        }
        error.insert(ContextKind::Usage, ContextValue::StyledStr(command.render_usage()));
    }
    error
}

fn line(root: &Command, matches: &ArgMatches) -> Line {
    let (mut command, mut matches, mut names) = (root, matches, Vec::new());
    while let Some((name, inner)) = matches.subcommand() {
        names.push(name);
        let Some(found) = command.find_subcommand(name) else { break };
        (command, matches) = (found, inner);
    }
    let is_file = command.get_arguments().any(|argument| argument.get_id() == "file")
        && matches.value_source("file").is_some();
    let longs = command.get_arguments().filter_map(|argument| argument.get_long());
    let flags = if is_file { Vec::new() } else { longs.map(str::to_owned).collect() };
    Line { command: names.join(" "), flags }
}

impl Line {
    /// How the command writes a member: `candidate_info.mobile.number` as `--candidate-mobile`, the second of `scopes`
    /// as `--scope` with its number. A member without a flag keeps its name.
    pub(crate) fn name(&self, member: &str) -> String {
        let (first, rest) = match member.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (member, None),
        };
        let (list, index) = match first.split_once('[') {
            Some((list, index)) => (list, index.trim_end_matches(']').parse().unwrap_or(0)),
            None => (first, 0_usize),
        };
        let known = FLAGS.iter().find(|(name, _)| *name == list).map(|(_, flag)| *flag);
        let stem = known.map_or_else(|| list.replace('_', "-"), str::to_owned);
        let below = rest.and_then(|rest| rest.split('.').next()).unwrap_or_default();
        let long = format!("{stem}-{}", below.replace('_', "-"));
        let Some(flag) = [long, stem].into_iter().find(|flag| self.flags.contains(flag)) else {
            return member.to_owned();
        };
        match index {
            0 => format!("--{flag}"),
            _ => format!("--{flag} number {}", index + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn members_are_told_as_the_flags_that_write_them() {
        let index = "probity order place --account 7 --package a --candidate-name b";
        for (text, member, expected) in [
            (index, "account_id", "--account"),
            (index, "package_id", "--package"),
            (index, "additional_item_id_list[0]", "--item"),
            (index, "additional_item_id_list[2]", "--item number 3"),
            (index, "custom_field_list[1].value", "--field number 2"),
            (index, "candidate_info.name", "--candidate-name"),
            (index, "candidate_info.first_name", "--candidate-first-name"),
            (index, "candidate_info.mobile.number", "--candidate-mobile"),
            (index, "client_contact_info.email", "--contact-email"),
            (index, "application_id", "--application-id"),
            (index, "something_else", "something_else"),
            ("probity order place --file a.json", "package_id", "package_id"),
            ("probity app create --name a", "callback_url", "--callback-url"),
            ("probity app create --name a", "ip_allowlist[1]", "--allow-ip number 2"),
            ("probity app create --name a", "scopes[0]", "--scope"),
            ("probity app create --name a", "tenant_key", "--tenant"),
            ("probity account bind --app a --name b", "account_name", "--name"),
            ("probity account bind --app a --name b", "app_id", "--app"),
            ("probity tenant create --name a", "retention_days", "--retention-days"),
            ("probity event list", "limit", "--limit"),
        ] {
            let (_, line) = read(&words(text)).unwrap();
            assert_eq!(line.name(member), expected, "{text}");
        }
        assert_eq!(read(&words("probity app verify-url a")).unwrap().1.command, "app verify-url");
    }

    #[test]
    fn usage_names_what_a_command_needs_and_not_what_was_given() {
        let given = "probity --server http://a --data b --output json order place --account 7";
        let text = read(&words(given)).unwrap_err().to_string();
        assert!(text.contains("--package <PACKAGE_ID>"), "{text}");
        let usage = text.lines().find(|line| line.starts_with("Usage:")).unwrap();
        assert!(usage.starts_with("Usage: probity order place [OPTIONS]"), "{usage}");
        assert!(!usage.contains("--server") && !usage.contains("--data"), "{usage}");
    }
}
