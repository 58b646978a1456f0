//! What calls for caution in a report that is stored all the same.

/// One thing that calls for caution. Its code is what rows, logs and metrics say; it says nothing about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Finding {
    /// Encrypted: nobody but its reader's program sees what is in it.
    Encrypted,
    /// Has a script.
    Script,
    /// Starts a program or opens another file.
    Launch,
    /// Carries a file.
    Attachment,
    /// Does something by itself when it is opened.
    OpenAction,
    /// A form of the XML kind, which is a program of its own.
    Xfa,
    /// Plays media by a program of the reader's.
    RichMedia,
    /// Built as no usual program builds it: broken, or meant to trouble a reader.
    OddStructure,
    /// The operator's scanner found something.
    Malware,
    /// No report by its bytes, and taken as it is by a user.
    RefusedContent,
}

impl Finding {
    /// All of them, in their order.
    pub const ALL: [Finding; 10] = [
        Finding::Encrypted,
        Finding::Script,
        Finding::Launch,
        Finding::Attachment,
        Finding::OpenAction,
        Finding::Xfa,
        Finding::RichMedia,
        Finding::OddStructure,
        Finding::Malware,
        Finding::RefusedContent,
    ];

    /// The word that is stored, logged and counted.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Finding::Encrypted => "encrypted",
            Finding::Script => "script",
            Finding::Launch => "launch",
            Finding::Attachment => "attachment",
            Finding::OpenAction => "open_action",
            Finding::Xfa => "xfa",
            Finding::RichMedia => "rich_media",
            Finding::OddStructure => "odd_structure",
            Finding::Malware => "malware",
            Finding::RefusedContent => "refused_content",
        }
    }

    /// The finding with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Finding> {
        Finding::ALL.into_iter().find(|finding| finding.code() == code)
    }
}

/// A set of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Findings(u16);

impl Findings {
    /// None.
    pub const NONE: Findings = Findings(0);

    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        self.0 |= 1 << finding as u8;
    }

    /// Both sets together.
    #[must_use]
    pub fn with(self, other: Findings) -> Findings {
        Findings(self.0 | other.0)
    }

    /// The set without this one.
    #[must_use]
    pub fn without(self, finding: Finding) -> Findings {
        Findings(self.0 & !(1 << finding as u8))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, finding: Finding) -> bool {
        self.0 & 1 << finding as u8 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, in their order.
    pub fn iter(self) -> impl Iterator<Item = Finding> {
        Finding::ALL.into_iter().filter(move |finding| self.has(*finding))
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Findings {
        let mut set = Findings::NONE;
        for finding in findings {
            set.add(finding);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_a_place_and_a_code_of_its_own() {
        for (index, finding) in Finding::ALL.into_iter().enumerate() {
            assert_eq!(finding as usize, index);
            assert_eq!(Finding::from_code(finding.code()), Some(finding));
            let single: Findings = [finding].into_iter().collect();
            assert_eq!(single.iter().collect::<Vec<_>>(), [finding]);
        }
        assert_eq!(Finding::from_code("unknown"), None);
        let all: Findings = Finding::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Finding::ALL.len());
        assert!(Findings::NONE.is_empty() && !all.is_empty());
        let some = all.without(Finding::Xfa).without(Finding::Xfa);
        assert!(!some.has(Finding::Xfa) && some.iter().count() == Finding::ALL.len() - 1);
    }
}
