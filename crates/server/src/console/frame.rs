//! What stands around every page: the top bar, the side bar by what the reader's roles may, titles and language.

use domain::{Act, Roles};

use super::pieces::{Dialog, Notice, Text};
use super::words::{Language, Words};

/// Light or dark: as the system is, or chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// Its name in HTML, cookies and settings.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|it| it.as_str() == text)
    }

    pub(super) fn label(self, w: Words) -> Text {
        match self {
            Theme::System => w.t("theme-system"),
            Theme::Light => w.t("theme-light"),
            Theme::Dark => w.t("theme-dark"),
        }
    }
}

/// A part of the console that the side bar leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Today,
    Orders,
    Review,
    Account,
}

impl Place {
    /// The places of the side bar, in its order.
    const IN_SIDE_BAR: [Place; 3] = [Place::Today, Place::Orders, Place::Review];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Place::Today => "/",
            Place::Orders => "/orders",
            Place::Review => "/review",
            Place::Account => "/account",
        }
    }

    /// Its name for the keys of the script.
    const fn key(self) -> &'static str {
        match self {
            Place::Today => "today",
            Place::Orders => "orders",
            Place::Review => "review",
            Place::Account => "account",
        }
    }

    fn label(self, w: Words) -> Text {
        match self {
            Place::Today => w.t("today"),
            Place::Orders => w.t("orders"),
            Place::Review => w.t("review"),
            Place::Account => w.t("my-account"),
        }
    }

    /// What a role must be able to do there.
    const fn act(self) -> Option<Act> {
        match self {
            Place::Today | Place::Account => None,
            Place::Orders => Some(Act::ListOrders),
            Place::Review => Some(Act::ReviewOrders),
        }
    }

    /// Whether somebody with these roles is led there.
    pub(super) fn is_for(self, roles: Roles) -> bool {
        self.act().is_none_or(|act| roles.may(act))
    }
}

/// Who reads the page, and in which tenant.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) name: String,
    pub(super) tenant: String,
    /// The other tenants of the person, by key and name.
    pub(super) others: Vec<(String, String)>,
    pub(super) roles: Roles,
    /// Reports that wait for a decision, as far as they were counted.
    pub(super) waiting: Option<String>,
}

/// The frame of one page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) w: Words,
    pub(super) theme: Theme,
    pub(super) title: String,
    pub(super) place: Option<Place>,
    /// Where the page is, to come back to.
    pub(super) path: String,
    pub(super) reader: Option<Reader>,
    pub(super) notice: Option<Notice>,
    /// What was searched for.
    pub(super) searched: String,
}

/// An entry of the side bar.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) href: &'static str,
    pub(super) label: Text,
    pub(super) badge: Option<String>,
    pub(super) is_current: bool,
}

impl Frame {
    pub(super) fn new(w: Words, title: impl Into<String>) -> Frame {
        Frame {
            w,
            theme: Theme::System,
            title: title.into(),
            place: None,
            path: "/".to_owned(),
            reader: None,
            notice: None,
            searched: String::new(),
        }
    }

    /// The entries of the side bar that the reader may see.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let Some(reader) = &self.reader else { return Vec::new() };
        let places = Place::IN_SIDE_BAR.into_iter().filter(|place| place.is_for(reader.roles));
        let entry = |place: Place| Entry {
            key: place.key(),
            href: place.path(),
            label: place.label(self.w),
            badge: reader.waiting.clone().filter(|_| place == Place::Review),
            is_current: self.place == Some(place),
        };
        places.map(entry).collect()
    }

    /// The theme, when it is not the system's.
    pub(super) fn chosen_theme(&self) -> Option<&'static str> {
        (self.theme != Theme::System).then(|| self.theme.as_str())
    }

    /// Whether the reader sees where orders stand.
    pub(super) fn may_list(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| Place::Orders.is_for(reader.roles))
    }

    /// Whether the reader can look for orders.
    pub(super) fn may_search(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.roles.may(Act::SeeOrders))
    }

    /// The other languages.
    pub(super) fn languages(&self) -> impl Iterator<Item = Language> {
        let own = self.w.language;
        Language::ALL.into_iter().filter(move |language| *language != own)
    }

    /// The keys that `?` lists.
    pub(super) fn keys(&self) -> Dialog {
        let w = self.w;
        let keys = |keys: &[&'static str]| keys.iter().map(|key| Text::Borrowed(key)).collect();
        Dialog {
            id: "keys",
            title: w.t("keys"),
            pairs: vec![
                (w.t("keys-search"), keys(&["/"])),
                (w.t("today"), keys(&["g", "t"])),
                (w.t("orders"), keys(&["g", "o"])),
                (w.t("review"), keys(&["g", "r"])),
                (w.t("keys-next"), keys(&["j"])),
                (w.t("keys-previous"), keys(&["k"])),
                (w.t("keys-approve"), keys(&["a"])),
                (w.t("keys-reject"), keys(&["r"])),
                (w.t("keys-withdraw"), keys(&["w"])),
                (w.t("keys-help"), keys(&["?"])),
            ],
            close: w.t("close"),
            is_still: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Role;

    use super::*;

    fn seen(roles: &[Role]) -> Vec<&'static str> {
        let mut frame = Frame::new(Words::default(), "");
        frame.reader = Some(Reader {
            name: String::new(),
            tenant: String::new(),
            others: Vec::new(),
            roles: Roles::of(roles),
            waiting: None,
        });
        frame.entries().iter().map(|entry| entry.href).collect()
    }

    #[test]
    fn what_a_role_may_not_see_is_not_in_its_side_bar() {
        assert_eq!(seen(&[Role::Admin]), ["/", "/orders", "/review"]);
        assert_eq!(seen(&[Role::Approver]), ["/", "/orders", "/review"]);
        assert_eq!(seen(&[Role::Recruiter]), ["/", "/orders"]);
        assert_eq!(seen(&[Role::Auditor]), ["/", "/orders"]);
        assert_eq!(seen(&[Role::Operator]), ["/"]);
        assert_eq!(seen(&[Role::Recruiter, Role::Approver]), ["/", "/orders", "/review"]);
    }
}
