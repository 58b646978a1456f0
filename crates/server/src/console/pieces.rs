//! The pieces that pages are made of, one template each, shown together on the style guide.
//!
//! A piece escapes every text in it by itself; so it goes into a page as it is, which its [`HtmlSafe`] says. Texts come in
//! translated.

use std::borrow::Cow;

use askama::Template;
use askama::filters::HtmlSafe;

use super::moment::Moment;
use super::words::Words;

pub(super) type Text = Cow<'static, str>;

macro_rules! pieces {
    ($($(#[doc = $doc:literal])* $name:ident $path:literal { $($field:ident: $kind:ty),* $(,)? })+) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug, Clone, Template)]
            #[template(path = $path)]
            pub(super) struct $name { $(pub(super) $field: $kind),* }
            impl HtmlSafe for $name {}
        )+
    };
}

/// What a state means to the reader: the colour, beside the shape and the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Waiting,
    Attention,
    Good,
    UnderWay,
    Ended,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Tone::Waiting => "waiting",
            Tone::Attention => "attention",
            Tone::Good => "good",
            Tone::UnderWay => "under-way",
            Tone::Ended => "ended",
        }
    }

    /// How a notice is read out: at once, or when there is time.
    pub(super) const fn role(self) -> &'static str {
        match self {
            Tone::Attention => "alert",
            _ => "status",
        }
    }

    /// Its icon in a notice.
    pub(super) const fn icon(self) -> &'static str {
        match self {
            Tone::Waiting => "waiting",
            Tone::Attention => "attention",
            Tone::Good => "good",
            Tone::UnderWay | Tone::Ended => "info",
        }
    }
}

/// How much a button stands out; one primary button a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Primary,
    Plain,
    Danger,
}

impl Look {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Look::Primary => "button primary",
            Look::Plain => "button",
            Look::Danger => "button danger",
        }
    }
}

/// What happens when a button or an entry of a menu is chosen.
#[derive(Debug, Clone)]
pub(super) enum To {
    /// Another page.
    Page(String),
    /// A form goes out with these hidden fields.
    Post(String, Vec<(&'static str, String)>),
    /// A dialog of the page opens; what is the same without script goes here.
    Dialog(&'static str, String),
}

pieces! {
    /// A button, or a link that looks like one.
    Action "console/pieces/action.html" {
        label: Text,
        to: To,
        look: Look,
    }

    /// A page's title, where it stands, a line of notes, and what can be done.
    Head "console/pieces/head.html" {
        crumb: Option<(Text, String)>,
        title: String,
        tag: Option<Tag>,
        notes: Vec<Inline>,
        actions: Vec<Action>,
        more: Option<Menu>,
    }

    /// Tabs or parts of a page, each a page of its own.
    Tabs "console/pieces/tabs.html" {
        label: Text,
        tabs: Vec<Tab>,
    }

    /// One state: a shape and a word.
    Tag "console/pieces/tag.html" {
        tone: Tone,
        word: Text,
    }

    /// What the vendor concluded, in its own word.
    Light "console/pieces/light.html" {
        whose: Text,
        word: String,
    }

    /// A table whose head stays; on a phone each row is two lines.
    Table "console/pieces/table.html" {
        caption: Text,
        columns: Vec<Column>,
        rows: Vec<Vec<Cell>>,
    }

    /// What a list is narrowed to.
    Filters "console/pieces/filters.html" {
        action: &'static str,
        hidden: Vec<(&'static str, String)>,
        choices: Vec<Choice>,
        apply: Text,
        clear: Option<(Text, String)>,
    }

    /// Steps that were taken, and the next ones.
    Timeline "console/pieces/timeline.html" {
        steps: Vec<Step>,
    }

    /// What happened, entry by entry.
    Log "console/pieces/log.html" {
        entries: Vec<LogEntry>,
    }

    /// Names and values.
    Pairs "console/pieces/pairs.html" {
        pairs: Vec<(Text, Vec<Inline>)>,
    }

    /// A field of a form, with its hint and its fault. A label that says by itself when it may stay empty needs no
    /// `says_optional`.
    Field "console/pieces/field.html" {
        w: Words,
        name: &'static str,
        label: Text,
        hint: Text,
        error: Text,
        kind: FieldKind,
        value: String,
        is_required: bool,
        says_optional: bool,
        chars_max: usize,
        is_first: bool,
    }

    /// What a list shows when it has nothing: what it is, why it is empty, the one thing to do now.
    Empty "console/pieces/empty.html" {
        icon: &'static str,
        title: Text,
        text: Text,
        actions: Vec<Action>,
    }

    /// Something that should be known before reading on.
    Notice "console/pieces/notice.html" {
        tone: Tone,
        parts: Vec<Inline>,
        list: Vec<(Text, String)>,
    }

    /// A form that asks once more before something that cannot be undone.
    Confirm "console/pieces/confirm.html" {
        action: String,
        text: Text,
        fields: Vec<Field>,
        button: Text,
        look: Look,
        back: (Text, String),
    }

    /// A form over the page; opened by script alone, so that nothing is only there.
    Dialog "console/pieces/dialog.html" {
        id: &'static str,
        title: Text,
        pairs: Vec<(Text, Vec<Text>)>,
        close: Text,
        is_still: bool,
    }

    /// Actions behind one button.
    Menu "console/pieces/menu.html" {
        label: Text,
        is_button: bool,
        said: Option<Text>,
        actions: Vec<Action>,
    }

    /// Where a list goes on.
    Pager "console/pieces/pager.html" {
        label: Text,
        note: Text,
        first: Option<(Text, String)>,
        next: Option<(Text, String)>,
    }

    /// An id or a hash, shortened in the middle, and a button that copies it whole.
    Copy "console/pieces/copy.html" {
        value: String,
        label: Text,
        copied: Text,
    }

    /// A row of numbers as a line, and in words.
    Sparkline "console/pieces/sparkline.html" {
        numbers: Vec<u32>,
        text: Text,
    }

    /// A short word on what was done, which goes by itself where there is script.
    Toast "console/pieces/toast.html" {
        text: Text,
    }
}

/// A part of a line.
#[derive(Debug, Clone, Template)]
#[template(path = "console/pieces/inline.html")]
pub(super) enum Inline {
    Text(Text),
    Strong(String),
    Muted(Text),
    /// An id or a hash, whole.
    Code(String),
    /// Something that is late.
    Late(Text),
    Link(Text, String),
    /// A page elsewhere, which a vendor named: nothing of ours goes along.
    Elsewhere(Text, String),
    /// Keys, and what they do.
    Keys(Vec<&'static str>, Text),
    Tag(Tag),
    Light(Light),
    Moment(Moment),
    Copy(Copy),
}

impl HtmlSafe for Inline {}

/// One of the parts that [`Tabs`] lead to.
#[derive(Debug, Clone)]
pub(super) struct Tab {
    pub(super) label: Text,
    pub(super) count: Option<String>,
    pub(super) href: String,
    pub(super) is_current: bool,
}

/// A column of a [`Table`].
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) label: Text,
    pub(super) class: &'static str,
}

/// A cell of a [`Table`]: a line, and a smaller second one.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Where the row leads to, for its first cell.
    pub(super) href: Option<String>,
    pub(super) first: Inline,
    pub(super) second: Option<Inline>,
    pub(super) class: &'static str,
}

/// A choice of [`Filters`]: its options by value and label.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) label: Text,
    pub(super) options: Vec<(String, Text)>,
    pub(super) chosen: String,
}

/// A step of a [`Timeline`].
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The class of its dot.
    pub(super) class: &'static str,
    pub(super) title: String,
    pub(super) notes: Vec<Inline>,
    pub(super) quote: Option<String>,
}

/// An entry of a [`Log`].
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub(super) at: Moment,
    pub(super) title: Text,
    pub(super) notes: Vec<Inline>,
    pub(super) quote: Option<String>,
    pub(super) tag: Option<Tag>,
}

/// What is typed into a [`Field`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Email,
    /// A password, which is never shown again; whether it is a new one.
    Password {
        is_new: bool,
    },
    /// A code of a few digits.
    Code,
    Area,
    /// By value and label.
    Select(Vec<(String, Text)>),
    /// Content types or endings that are taken.
    File(&'static str),
}

impl Inline {
    /// A page elsewhere; an address that is not one of the web is shown and leads nowhere.
    pub(super) fn elsewhere(label: Text, address: &str) -> Inline {
        match address.starts_with("https://") || address.starts_with("http://") {
            true => Inline::Elsewhere(label, address.to_owned()),
            false => Inline::Code(address.to_owned()),
        }
    }
}

impl Tag {
    pub(super) const fn new(tone: Tone, word: Text) -> Tag {
        Tag { tone, word }
    }
}

impl Light {
    /// The hue of the vendor's four lights; other words have none.
    fn hue(&self) -> Option<&'static str> {
        match self.word.as_str() {
            "绿灯" => Some("green"),
            "蓝灯" => Some("blue"),
            "黄灯" => Some("yellow"),
            "红灯" => Some("red"),
            _ => None,
        }
    }
}

impl Copy {
    pub(super) fn of(w: Words, value: &str) -> Copy {
        Copy { value: value.to_owned(), label: w.t("copy"), copied: w.t("copied") }
    }

    /// The first and the last characters.
    fn shown(&self) -> String {
        const FIRST: usize = 8;
        const LAST: usize = 4;
        let chars: Vec<_> = self.value.chars().collect();
        if chars.len() <= FIRST + LAST + 1 {
            return self.value.clone();
        }
        let part = |chars: &[char]| chars.iter().collect::<String>();
        format!("{}…{}", part(&chars[..FIRST]), part(&chars[chars.len() - LAST..]))
    }
}

impl Field {
    /// A field that is required, without hint and fault.
    pub(super) fn new(w: Words, name: &'static str, label: Text, kind: FieldKind) -> Field {
        Field {
            w,
            name,
            label,
            hint: Cow::Borrowed(""),
            error: Cow::Borrowed(""),
            kind,
            value: String::new(),
            is_required: true,
            says_optional: true,
            chars_max: 0,
            is_first: false,
        }
    }

    fn autocomplete(&self) -> &'static str {
        match (&self.kind, self.name) {
            (FieldKind::Email, _) => "username",
            (FieldKind::Password { is_new: true }, _) => "new-password",
            (FieldKind::Password { is_new: false }, _) => "current-password",
            (FieldKind::Code, _) => "one-time-code",
            (_, "name") => "name",
            _ => "off",
        }
    }

    /// What describes it, for readers of screens.
    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        if !self.error.is_empty() {
            ids.push(format!("{}-error", self.name));
        }
        ids.join(" ")
    }
}

impl Sparkline {
    /// The points of the line within 96 by 24.
    fn points(&self) -> String {
        let points = self.places().into_iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
        points.collect::<Vec<_>>().join(" ")
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.places().pop()
    }

    fn places(&self) -> Vec<(f64, f64)> {
        let most = f64::from(self.numbers.iter().copied().max().unwrap_or(0).max(1));
        let steps = f64::from(u32::try_from(self.numbers.len().max(2) - 1).unwrap_or(u32::MAX));
        let x = |at: usize| 96.0 * f64::from(u32::try_from(at).unwrap_or(u32::MAX)) / steps;
        let y = |number: &u32| 22.0 - 20.0 * f64::from(*number) / most;
        self.numbers.iter().enumerate().map(|(at, number)| (x(at), y(number))).collect()
    }
}
