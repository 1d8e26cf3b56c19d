//! What can be done: drawn at random, and shown as one readable line each.

use std::fmt;

use proptest::prelude::*;

use super::model::{State, Status};

/// A text, an address, or notes: one of a few, so that equal ones come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Word(pub(super) u8);

/// Who decides: through the API, by hand, by commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Morgan,
    Kim,
    Robin,
    Test,
}

/// One of the reports of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target(u8);

impl Target {
    pub(super) const N: usize = 2;

    pub(super) const fn all() -> [Self; Self::N] {
        [Self(0), Self(1)]
    }

    pub(super) fn n(self) -> usize {
        self.0.into()
    }
}

/// What `If-Match` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    None,
    Current,
    Other,
}

/// How a change of a file comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Save,
    Commit,
    Push,
}

/// A change of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    New {
        text: Word,
        email: Word,
    },
    Status {
        status: Status,
        notes: Option<Word>,
    },
    /// `is_marked`: with `status: pending_review`.
    Text {
        text: Word,
        is_marked: bool,
    },
    TextAndStatus {
        text: Word,
        status: Status,
    },
    Email {
        email: Word,
    },
    LineEnds,
    Delete,
    Id,
    Garbage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Submit {
        target: Target,
        text: Word,
        email: Word,
    },
    Revise {
        target: Target,
        text: Word,
        email: Word,
        tag: Tag,
    },
    Decide {
        target: Target,
        status: Status,
        by: Who,
        notes: Option<Word>,
        tag: Tag,
    },
    By {
        target: Target,
        way: Way,
        change: Change,
    },
    /// A file that could not be accepted is made what the record has.
    TakeBack {
        target: Target,
    },
    Policy {
        needs_notes: bool,
    },
    Restart,
    Kill,
}

/// What may come next.
pub(super) fn draw(state: &State) -> BoxedStrategy<Command> {
    let target = || (0..Target::N as u8).prop_map(Target);
    let word = || (0..3_u8).prop_map(Word);
    let notes = || prop::option::of(word());
    let status = || prop::sample::select(vec![Status::Approved, Status::Rejected, Status::Pending]);
    let tag = || prop_oneof![3 => Just(Tag::None), 2 => Just(Tag::Current), 1 => Just(Tag::Other)];
    let by = prop::sample::select(vec![Who::Morgan, Who::Kim]);
    let way = || prop::sample::select(vec![Way::Push, Way::Save, Way::Commit]);
    let change = prop_oneof![
        4 => (status(), notes()).prop_map(|(status, notes)| Change::Status { status, notes }),
        3 => (word(), any::<bool>()).prop_map(|(text, is_marked)| Change::Text { text, is_marked }),
        1 => (word(), status()).prop_map(|(text, status)| Change::TextAndStatus { text, status }),
        2 => word().prop_map(|email| Change::Email { email }),
        1 => Just(Change::LineEnds),
        1 => Just(Change::Delete),
        1 => Just(Change::Id),
        1 => Just(Change::Garbage),
    ];
    let new = (word(), word()).prop_map(|(text, email)| Change::New { text, email });
    let anything = prop_oneof![
        3 => (target(), word(), word()).prop_map(|(target, text, email)| Command::Submit { target, text, email }),
        3 => (target(), word(), word(), tag())
            .prop_map(|(target, text, email, tag)| Command::Revise { target, text, email, tag }),
        6 => (target(), status(), by, notes(), tag())
            .prop_map(|(target, status, by, notes, tag)| Command::Decide { target, status, by, notes, tag }),
        6 => (target(), way(), change).prop_map(|(target, way, change)| Command::By { target, way, change }),
        2 => (target(), way(), new).prop_map(|(target, way, change)| Command::By { target, way, change }),
        3 => target().prop_map(|target| Command::TakeBack { target }),
        1 => any::<bool>().prop_map(|needs_notes| Command::Policy { needs_notes }),
        1 => prop_oneof![Just(Command::Restart), Just(Command::Kill)],
    ];
    let state = state.clone();
    anything.prop_filter("makes sense", move |command| state.allows(*command)).boxed()
}

impl Who {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Morgan => "Morgan <morgan@example.com>",
            Self::Kim => "Kim",
            Self::Robin => crate::common::edits::ROBIN,
            Self::Test => crate::common::edits::TEST,
        }
    }
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { text, email } => write!(f, "a new report, text {text}, address {email}"),
            Self::Status { status, notes: None } => write!(f, "status {}", status.as_str()),
            Self::Status { status, notes: Some(notes) } => write!(f, "status {}, notes {notes}", status.as_str()),
            Self::Text { text, is_marked: false } => write!(f, "text {text}"),
            Self::Text { text, is_marked: true } => write!(f, "text {text}, status pending_review"),
            Self::TextAndStatus { text, status } => write!(f, "text {text} and status {}", status.as_str()),
            Self::Email { email } => write!(f, "address {email}"),
            Self::LineEnds => write!(f, "other line ends of the text"),
            Self::Delete => write!(f, "the file is deleted"),
            Self::Id => write!(f, "another id"),
            Self::Garbage => write!(f, "status aproved"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |target: &Target| ["a", "b"][target.n()];
        let with = |tag: &Tag| match tag {
            Tag::None => "",
            Tag::Current => ", If-Match: its version",
            Tag::Other => ", If-Match: another version",
        };
        match self {
            Self::Submit { target, text, email } => write!(f, "submit {}: text {text}, address {email}", name(target)),
            Self::Revise { target, text, email, tag } => {
                write!(f, "revise {}: text {text}, address {email}{}", name(target), with(tag))
            }
            Self::Decide { target, status, by, notes, tag } => {
                let notes = notes.map_or("no notes".to_owned(), |notes| format!("notes {notes}"));
                write!(f, "decide {}: {} by {by:?}, {notes}{}", name(target), status.as_str(), with(tag))
            }
            Self::By { target, way, change } => {
                let way = format!("{way:?}").to_lowercase();
                write!(f, "{way} {}: {change}", name(target))
            }
            Self::TakeBack { target } => write!(f, "take back what stands in {}", name(target)),
            Self::Policy { needs_notes } => write!(f, "policy: notes_required_on_reject: {needs_notes}"),
            Self::Restart => write!(f, "restart"),
            Self::Kill => write!(f, "kill -9, start"),
        }
    }
}
