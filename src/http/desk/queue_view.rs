//! What the queue is asked to show: the state that its address holds, as a
//! whole, and the addresses of what is one step away.

use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::utf8_percent_encode;

use crate::assessments::{Narrowed, risk_word};
use crate::http::list::{SEARCH_MAX, VALUE, read_findings, read_risk, read_sort, read_status};
use crate::http::problem::Problem;
use crate::http::query::{Parameters, RawQuery};
use crate::report::Status;
use crate::report::validate::Faults;
use crate::store::snapshot::{Cursor, ListQuery, Order, words};

/// Reports on a page.
const ROWS: usize = 50;
/// Every order, as a person calls it.
pub(super) const ORDERS: [(Order, &str); 4] = [
    (Order::Oldest, "Oldest submission first"),
    (Order::Newest, "Latest submission first"),
    (Order::Updated, "Latest change first"),
    (Order::Name, "By name"),
];

/// The state of the queue page.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// `None` for all.
    pub(super) status: Option<Status>,
    pub(super) search: String,
    pub(super) owner: String,
    /// Submitted at least so many days ago.
    pub(super) age_days: Option<u32>,
    /// Approved, and the approval has ended so many days from now.
    pub(super) expires_days: Option<u32>,
    /// By what the check found.
    pub(super) narrowed: Narrowed,
    /// `None` for what suits the status.
    pub(super) order: Option<Order>,
    pub(super) after: Option<Cursor>,
}

impl View {
    /// Reads the query of the address; a field of the form that is empty is not there.
    ///
    /// # Errors
    /// 422 with everything that is wrong.
    pub(super) fn read(query: RawQuery) -> Result<Self, Problem> {
        let mut parameters = Parameters::read(query)?;
        parameters.forget_empty();
        let mut faults = Faults::default();
        let view = Self {
            status: parameters.take("status", &mut faults, read_status).unwrap_or(Some(Status::PendingReview)),
            search: parameters.take("q", &mut faults, read_text).unwrap_or_default(),
            owner: parameters.take("owner", &mut faults, read_text).unwrap_or_default(),
            age_days: parameters.take("age", &mut faults, read_days),
            expires_days: parameters.take("expires", &mut faults, read_days),
            narrowed: Narrowed {
                risk: parameters.take("risk", &mut faults, read_risk),
                findings: parameters.take("findings", &mut faults, read_findings),
            },
            order: parameters.take("sort", &mut faults, read_sort),
            after: None,
        };
        // Of the order, which may be named after it.
        let order = view.order_in_force();
        let after = parameters.take("cursor", &mut faults, |text| read_cursor(order, text));
        let known = "`status`, `q`, `owner`, `age`, `expires`, `risk`, `findings`, `sort`, `cursor`";
        parameters.refuse_others(&mut faults, known);
        if faults.0.is_empty() { Ok(Self { after, ..view }) } else { Err(Problem::invalid(faults, "?")) }
    }

    /// Returns what the store is asked for.
    pub(super) fn query(&self, now: DateTime<Utc>) -> ListQuery {
        ListQuery {
            status: self.status,
            words: words(&self.search),
            owner: Some(self.owner.clone()).filter(|owner| !owner.is_empty()),
            submitted_before: self.age_days.map(|days| now - TimeDelta::days(days.into())),
            expires_before: self.expires_days.map(|days| now + TimeDelta::days(days.into())),
            order: self.order_in_force(),
            after: self.after.clone(),
            limit: ROWS,
            ..ListQuery::default()
        }
    }

    /// What waits is read from the longest waiting on, all else from the latest.
    pub(super) fn order_in_force(&self) -> Order {
        let is_pending = self.status == Some(Status::PendingReview);
        self.order.unwrap_or(if is_pending { Order::Oldest } else { Order::Newest })
    }

    /// Returns whether the list is narrowed by more than the status.
    pub(super) fn is_narrowed(&self) -> bool {
        let is_filled = !self.search.is_empty() || !self.owner.is_empty() || !self.narrowed.is_idle();
        is_filled || self.age_days.or(self.expires_days).is_some()
    }

    /// The same with another status, from its first page on.
    pub(super) fn with_status(&self, status: Option<Status>) -> Self {
        Self { status, after: None, ..self.clone() }
    }

    /// The same from another place on.
    pub(super) fn starting(&self, after: Option<Cursor>) -> Self {
        Self { after, ..self.clone() }
    }

    /// Everything in this status.
    pub(super) fn widened(&self) -> Self {
        Self {
            search: String::new(),
            owner: String::new(),
            age_days: None,
            expires_days: None,
            narrowed: Narrowed::default(),
            ..self.with_status(self.status)
        }
    }

    /// Returns the address of this state; what is as it is by itself is left out.
    pub(super) fn href(&self) -> String {
        let mut parameters: Vec<(&str, String)> = Vec::new();
        match self.status {
            Some(Status::PendingReview) => {}
            other => parameters.push(("status", status_word(other).to_owned())),
        }
        for (name, text) in [("q", &self.search), ("owner", &self.owner)] {
            if !text.is_empty() {
                parameters.push((name, text.clone()));
            }
        }
        parameters.extend(self.age_days.map(|days| ("age", days.to_string())));
        parameters.extend(self.expires_days.map(|days| ("expires", days.to_string())));
        parameters.extend(self.narrowed.risk.map(|risk| ("risk", risk_word(risk).to_owned())));
        parameters.extend(self.narrowed.findings.map(|findings| ("findings", findings.as_str().to_owned())));
        parameters.extend(self.order.map(|order| ("sort", order.as_str().to_owned())));
        parameters.extend(self.after.as_ref().map(|after| ("cursor", after.to_string())));
        let pair = |(name, value): &(&str, String)| format!("{name}={}", utf8_percent_encode(value, VALUE));
        let query: Vec<_> = parameters.iter().map(pair).collect();
        if query.is_empty() { "/".to_owned() } else { format!("/?{}", query.join("&")) }
    }
}

/// The word for a status, or for all, in the address.
pub(super) const fn status_word(status: Option<Status>) -> &'static str {
    match status {
        Some(status) => status.as_str(),
        None => "all",
    }
}

fn read_text(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > SEARCH_MAX {
        return Err(format!("must be at most {SEARCH_MAX} characters"));
    }
    Ok(text.to_owned())
}

fn read_days(text: &str) -> Result<u32, String> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(|| "must be a number of days".into())
}

fn read_cursor(order: Order, text: &str) -> Result<Cursor, String> {
    let cursor = Cursor::read(order, text);
    cursor.ok_or_else(|| "must be taken from the link to the next page; start from the first page".into())
}
