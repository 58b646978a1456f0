//! The words of the pages: two catalogues with equal keys, zh-CN first. Names, results and reasons are never translated.
//!
//! A message that is not there would be shown as its key; the tests below see to it that there is none.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::http::{HeaderMap, header};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

type Bundle = FluentBundle<FluentResource>;

const CHINESE: &str = include_str!("../../locales/zh-CN.ftl");
const ENGLISH: &str = include_str!("../../locales/en.ftl");

static CATALOGUES: LazyLock<[Bundle; 2]> =
    LazyLock::new(|| [bundle("zh-CN", CHINESE), bundle("en", ENGLISH)]);

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    #[default]
    Chinese,
    English,
}

impl Language {
    pub(super) const ALL: [Language; 2] = [Language::Chinese, Language::English];

    /// Its name in HTML, cookies and settings.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Language::Chinese => "zh-CN",
            Language::English => "en",
        }
    }

    /// Its name in itself.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Language::Chinese => "中文",
            Language::English => "English",
        }
    }

    pub(super) fn parse(tag: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|it| it.tag().eq_ignore_ascii_case(tag))
    }

    /// The one that the browser asks for first, of those that there are. Source: RFC 9110, section 12.5.4.
    pub(super) fn asked(headers: &HeaderMap) -> Language {
        let value = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best: Option<(Language, f32)> = None;
        for entry in value.unwrap_or_default().split(',').take(20) {
            let mut parts = entry.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok());
            let weight: f32 = weight.unwrap_or(1.0);
            let language = match tag.split('-').next().unwrap_or_default() {
                "zh" => Language::Chinese,
                "en" => Language::English,
                _ => continue,
            };
            if weight > 0.0 && best.is_none_or(|(_, before)| weight > before) {
                best = Some((language, weight));
            }
        }
        best.map_or_else(Language::default, |(language, _)| language)
    }
}

/// The catalogue of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Words {
    pub(super) language: Language,
}

impl Words {
    pub(super) const fn of(language: Language) -> Words {
        Words { language }
    }

    /// A message without arguments.
    pub(super) fn t(self, key: &str) -> Cow<'static, str> {
        self.message(key, None)
    }

    /// A message with a count, `$count`.
    pub(super) fn n(self, key: &str, count: impl TryInto<i64>) -> String {
        let count = count.try_into().unwrap_or(i64::MAX);
        self.with(key, [("count", count)])
    }

    /// A message with one text, `$it`.
    pub(super) fn of_it(self, key: &str, it: &str) -> String {
        self.with(key, [("it", it)])
    }

    /// A message with its arguments.
    pub(super) fn with<'a, const N: usize>(
        self,
        key: &str,
        arguments: [(&'static str, impl Into<FluentValue<'a>>); N],
    ) -> String {
        let mut named = FluentArgs::with_capacity(N);
        for (name, value) in arguments {
            named.set(name, value);
        }
        self.message(key, Some(&named)).into_owned()
    }

    fn message(self, key: &str, arguments: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
        let bundle = &CATALOGUES[self.language as usize];
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            debug_assert!(false, "no message {key}");
            return Cow::Owned(key.to_owned());
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, arguments, &mut errors);
        debug_assert!(errors.is_empty(), "{key}: {errors:?}");
        Cow::Owned(text.into_owned())
    }
}

fn bundle(tag: &str, text: &str) -> Bundle {
    let language = tag.parse().expect("the tags are well-formed");
    let resource = FluentResource::try_new(text.to_owned());
    let resource = resource.expect("the catalogues are well-formed, by the test below");
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Marks around arguments would come along when a text is copied.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).expect("each key stands once, by the test below");
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Each message with the names of its arguments.
    fn messages(catalogue: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut messages = BTreeMap::<String, BTreeSet<String>>::new();
        let mut last = String::new();
        for line in catalogue.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '}']))
            {
                last = key.to_owned();
                assert!(messages.insert(last.clone(), BTreeSet::new()).is_none(), "{key} twice");
            }
            for argument in line.split('$').skip(1) {
                let end = argument.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let name = argument[..end.unwrap_or(argument.len())].to_owned();
                messages.get_mut(&last).unwrap().insert(name);
            }
        }
        messages
    }

    fn sources() -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts = String::new();
        let mut folders = vec![folder.join("src/console"), folder.join("templates/console")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    texts.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        texts
    }

    #[test]
    fn both_catalogues_have_equal_keys_and_arguments() {
        let (chinese, english) = (messages(CHINESE), messages(ENGLISH));
        let keys = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<BTreeSet<_>>();
        let apart: Vec<_> = keys(&chinese).symmetric_difference(&keys(&english)).cloned().collect();
        assert_eq!(apart, Vec::<String>::new());
        for (key, arguments) in &chinese {
            assert_eq!(arguments, &english[key], "{key}");
        }
        for catalogue in [CHINESE, ENGLISH] {
            let resource = FluentResource::try_new(catalogue.to_owned());
            assert!(resource.is_ok(), "{:?}", resource.err());
        }
    }

    #[test]
    fn every_message_is_used_and_every_used_message_is_there() {
        let (messages, sources) = (messages(CHINESE), sources());
        let unused: Vec<_> =
            messages.keys().filter(|key| !sources.contains(&format!("\"{key}\""))).collect();
        assert_eq!(unused, Vec::<&String>::new());
        for call in [".t(\"", ".n(\"", ".of_it(\"", ".with(\""] {
            for rest in sources.split(call).skip(1) {
                let key = rest.split('"').next().unwrap();
                assert!(messages.contains_key(key), "no message {key}");
            }
        }
    }

    #[test]
    fn the_browser_says_which_language() {
        for (asked, expected) in [
            ("", Language::Chinese),
            ("en", Language::English),
            ("en-GB,en;q=0.9,zh;q=0.8", Language::English),
            ("de, zh-TW;q=0.4, en;q=0.2", Language::Chinese),
            ("fr;q=1, en;q=0", Language::Chinese),
            ("*, x;q=, ;;;", Language::Chinese),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, asked.parse().unwrap());
            assert_eq!(Language::asked(&headers), expected, "{asked}");
        }
    }

    #[test]
    fn counts_have_their_plural() {
        let english = Words::of(Language::English);
        assert_eq!(english.n("review-waiting", 1), "1 report waits");
        assert_eq!(english.n("review-waiting", 3), "3 reports wait");
        assert_eq!(Words::default().n("review-waiting", 3), "3 份等待");
    }
}
