//! What handlers take from the address of a request: the report that it names,
//! the moment that it asks for, or nothing.

use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use uuid::Uuid;

use super::problem::Problem;
use super::query::{Parameters, read_at};
use crate::report::validate::Faults;
use crate::store::history::At;

/// The report of `/reports/{id}`; 404 if that is no id.
pub(super) struct ReportId(pub(super) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for ReportId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, state).await;
        let text = path.iter().flatten().find(|(name, _)| *name == "id").map(|(_, value)| value);
        // The hyphenated form alone: one report has one address.
        let id = text.filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(text).ok());
        id.map(Self).ok_or_else(|| {
            Problem::not_found("there is no such report; an id is a UUID, as `POST /api/v1/reports` returns it")
        })
    }
}

/// The parameter `at`, where a call knows no other; `None` is now.
pub(super) struct AtQuery(pub(super) Option<At>);

impl<S: Send + Sync> FromRequestParts<S> for AtQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.query().is_none() {
            return Ok(Self(None));
        }
        let mut parameters = Parameters::read(Query::from_request_parts(parts, state).await)?;
        let mut faults = Faults::default();
        let at = parameters.take("at", &mut faults, read_at);
        parameters.refuse_others(&mut faults, "`at`");
        if faults.0.is_empty() { Ok(Self(at)) } else { Err(Problem::invalid(faults, "?")) }
    }
}

/// That a call without parameters was given none.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut faults = Faults::default();
        Parameters::read(Query::from_request_parts(parts, state).await)?.refuse_others(&mut faults, "none");
        if faults.0.is_empty() { Ok(Self) } else { Err(Problem::invalid(faults, "?")) }
    }
}
