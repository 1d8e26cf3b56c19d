//! The rules that the check holds a report against: what each finds, why, and an
//! example of both. From the same table as the findings.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::page::{self, Frame, Place};
use super::show::{Prose, Shown};
use crate::assess::{Severity, rules};
use crate::http::App;
use crate::http::extract::NoQuery;
use crate::http::problem::Problem;
use crate::policy::Enforcement;

#[derive(Template)]
#[template(path = "rules.html", whitespace = "minimize")]
struct RulesPage {
    frame: Frame,
    /// What becomes of a text with findings here.
    enforcement: &'static str,
    rules: Vec<Rule>,
}

struct Rule {
    id: &'static str,
    is_error: bool,
    what: Prose,
    why: Prose,
    bad: Shown,
    good: Shown,
}

/// Answers with all rules.
pub(super) async fn rules(State(app): State<App>, _: NoQuery) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let page = RulesPage {
        frame: Frame::new(&app, &snapshot, Place::Elsewhere),
        enforcement: match snapshot.policy.policy.enforcement {
            Enforcement::Off => "Here nothing is checked: `golive.yaml` says `enforcement: off`.",
            Enforcement::Warn => "Here every text is taken in, and the findings are shown to whoever reviews it.",
            Enforcement::Refuse => "Here a text with errors is refused; warnings are shown to whoever reviews it.",
        },
        rules: rules::all().map(Rule::from).collect(),
    };
    page::answer(&page, snapshot.commit)
}

impl RulesPage {
    fn enforcement(&self) -> Prose {
        Prose::new(self.enforcement)
    }
}

impl From<&'static rules::Rule> for Rule {
    fn from(rule: &'static rules::Rule) -> Self {
        Self {
            id: rule.id,
            is_error: rule.severity == Severity::Error,
            what: Prose::sentence(rule.what),
            why: Prose::sentence(rule.why),
            bad: Shown::new(rule.bad),
            good: Shown::new(rule.good),
        }
    }
}
