//! What the queue is asked to show: the state that its address holds, as a
//! whole, and the addresses of what is one step away.

use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::problem::Problem;
use crate::http::query::{Parameters, RawQuery};
use crate::report::Status;
use crate::report::validate::Faults;
use crate::store::snapshot::{ListKey, ListQuery, Order};

/// Reports on a page.
const ROWS: usize = 50;
/// Longer searches are no words of anybody.
const SEARCH_MAX: usize = 200;

/// Every order, as the address and as a person calls it.
pub(super) const ORDERS: [(Order, &str, &str); 4] = [
    (Order::Oldest, "oldest", "Longest waiting first"),
    (Order::Newest, "newest", "Latest submission first"),
    (Order::Updated, "updated", "Latest change first"),
    (Order::Name, "name", "By name"),
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
    /// `None` for what suits the status.
    pub(super) order: Option<Order>,
    pub(super) after: Option<ListKey>,
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
            order: parameters.take("sort", &mut faults, read_order),
            after: parameters.take("cursor", &mut faults, read_cursor),
        };
        parameters.refuse_others(&mut faults, "`status`, `q`, `owner`, `age`, `sort`, `cursor`");
        if faults.0.is_empty() { Ok(view) } else { Err(Problem::invalid(faults, "?")) }
    }

    /// Returns what the store is asked for.
    pub(super) fn query(&self, now: DateTime<Utc>) -> ListQuery {
        ListQuery {
            status: self.status,
            words: self.search.split_whitespace().map(str::to_lowercase).collect(),
            owner: Some(self.owner.clone()).filter(|owner| !owner.is_empty()),
            submitted_before: self.age_days.map(|days| now - TimeDelta::days(days.into())),
            order: self.order_in_force(),
            after: self.after,
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
        !self.search.is_empty() || !self.owner.is_empty() || self.age_days.is_some()
    }

    /// The same with another status, from its first page on.
    pub(super) fn with_status(&self, status: Option<Status>) -> Self {
        Self { status, after: None, ..self.clone() }
    }

    /// The same from another place on.
    pub(super) fn from_place(&self, after: Option<ListKey>) -> Self {
        Self { after, ..self.clone() }
    }

    /// Everything in this status.
    pub(super) fn widened(&self) -> Self {
        Self { search: String::new(), owner: String::new(), age_days: None, ..self.with_status(self.status) }
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
                parameters.push((name, utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()));
            }
        }
        parameters.extend(self.age_days.map(|days| ("age", days.to_string())));
        let order = ORDERS.iter().find(|(order, ..)| Some(*order) == self.order);
        parameters.extend(order.map(|(_, word, _)| ("sort", (*word).to_owned())));
        parameters.extend(self.after.map(|after| ("cursor", cursor_word(after))));
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
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

fn read_status(text: &str) -> Result<Option<Status>, String> {
    match Status::from_word(text) {
        Some(status) => Ok(Some(status)),
        None if text == "all" => Ok(None),
        None => Err("must be `pending_review`, `approved`, `rejected` or `all`".into()),
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

fn read_order(text: &str) -> Result<Order, String> {
    let order = ORDERS.iter().find(|(_, word, _)| *word == text).map(|(order, ..)| *order);
    order.ok_or_else(|| "must be `oldest`, `newest`, `updated` or `name`".into())
}

fn read_cursor(text: &str) -> Result<ListKey, String> {
    let parts = text.split_once('_').and_then(|(at, id)| Some((at.parse().ok()?, uuid::Uuid::try_parse(id).ok()?)));
    parts
        .map(|(at, id)| ListKey::new(at, id))
        .ok_or_else(|| "must be taken from the link to the next page; start from the first page".into())
}

fn cursor_word(after: ListKey) -> String {
    let (at, id) = after.parts();
    format!("{at}_{id}")
}
