//! One report as a sequential object: what each call does and answers if nothing else
//! happens meanwhile. Written from the specification; stateright looks for an order in
//! which the recorded answers are these.

use std::sync::Arc;

use stateright::semantics::SequentialSpec;

/// A report as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) status: String,
    pub(super) revision: u64,
    pub(super) text: String,
    pub(super) by: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) etag: String,
}

#[derive(Clone, Debug)]
pub(super) enum Call {
    Submit { text: String },
    Revise { text: String, if_match: Option<String> },
    Decide { status: String, by: String, notes: String, if_match: Option<String> },
    Read,
    List,
    History,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Accepted: the report from then on, and the commit.
    Made {
        view: View,
        commit: String,
    },
    Seen(Option<View>),
    /// The list's line: status, revision, reviewer.
    Listed(Option<(String, u64, Option<String>)>),
    /// The report's commits, oldest first.
    Told(Vec<String>),
    /// The version that is in force instead.
    Stale(String),
    Exists,
    NothingToReopen,
    /// Refused for what is not the report's state: a broken file, a busy service.
    Refused,
}

/// A call, and for one whose answer is not known, what git says that it made.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) call: Call,
    pub(super) found: Option<(View, String)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct OneReport {
    view: Option<View>,
    commits: Vec<String>,
    /// The commits in git's order, if that is the order asked for.
    order: Option<Arc<[String]>>,
    /// A call whose answer is not known was put where it cannot be.
    is_impossible: bool,
}

impl OneReport {
    /// The report whose commits can only have been made in this order.
    pub(super) fn in_order(commits: &[String]) -> Self {
        Self { order: Some(commits.into()), ..Self::default() }
    }

    /// Makes the change that `call` asks for; returns whether it comes to `view`.
    fn make(&mut self, call: &Call, view: &View, commit: &str) -> bool {
        let before = self.view.as_ref();
        let is_decided = before.is_some_and(|view| view.status != "pending_review");
        let met = |if_match: &Option<String>| {
            before.is_some_and(|view| if_match.as_ref().is_none_or(|etag| *etag == view.etag))
        };
        let revision = before.map_or(0, |view| view.revision);
        let pending = |text: &String| View {
            status: "pending_review".into(),
            revision: revision + 1,
            text: text.clone(),
            by: None,
            notes: None,
            etag: view.etag.clone(),
        };
        let (is_allowed, after) = match (call, before) {
            (Call::Submit { text }, _) => (before.is_none_or(|view| view.status == "rejected"), pending(text)),
            (Call::Revise { text, if_match }, _) => (met(if_match), pending(text)),
            (Call::Decide { status, if_match, .. }, Some(before)) if status == "pending_review" => {
                (is_decided && met(if_match), View { revision, ..pending(&before.text) })
            }
            (Call::Decide { status, by, notes, if_match }, Some(before)) => {
                let (by, notes) = (Some(by.clone()), Some(notes.clone()));
                let after = View { status: status.clone(), by, notes, etag: view.etag.clone(), ..before.clone() };
                (met(if_match), after)
            }
            _ => return false,
        };
        let is_next =
            self.order.as_ref().is_none_or(|order| order.get(self.commits.len()).is_some_and(|c| c == commit));
        self.commits.push(commit.to_owned());
        self.view = Some(after);
        is_allowed && is_next && self.view.as_ref() == Some(view)
    }
}

impl SequentialSpec for OneReport {
    type Op = Op;
    type Ret = Answer;

    /// For calls whose answer is not known, and that made a commit.
    fn invoke(&mut self, op: &Op) -> Answer {
        let (view, commit) = op.found.clone().expect("calls that made nothing are left out");
        self.is_impossible |= !self.make(&op.call, &view, &commit);
        Answer::Made { view, commit }
    }

    fn is_valid_step(&mut self, op: &Op, answer: &Answer) -> bool {
        let status = self.view.as_ref().map(|view| view.status.as_str());
        !self.is_impossible
            && match (&op.call, answer) {
                (call, Answer::Made { view, commit }) => self.make(call, view, commit),
                (Call::Read, Answer::Seen(view)) => *view == self.view,
                (Call::List, Answer::Listed(line)) => {
                    *line == self.view.as_ref().map(|view| (view.status.clone(), view.revision, view.by.clone()))
                }
                (Call::History, Answer::Told(commits)) => *commits == self.commits,
                (Call::Revise { if_match, .. } | Call::Decide { if_match, .. }, Answer::Stale(current)) => {
                    let current_etag = self.view.as_ref().map(|view| &view.etag);
                    if_match.is_some() && current_etag == Some(current) && if_match.as_ref() != current_etag
                }
                (Call::Submit { .. }, Answer::Exists) => status.is_some_and(|status| status != "rejected"),
                (Call::Decide { status: asked, .. }, Answer::NothingToReopen) => {
                    asked == "pending_review" && status == Some("pending_review")
                }
                (_, Answer::Refused) => true,
                _ => false,
            }
    }
}
