//! Reads a JSON body strictly: the right media type, within the limits, one
//! object, no name twice, no name that the call does not know.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use futures_util::StreamExt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::problem::Problem;
use crate::report::validate::Faults;

/// A body has to arrive within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Of a body that is too large, so much is read and dropped, so that a client
/// that sends first and reads later gets the answer and not a reset connection.
const DRAIN_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The members of the object that was sent, in order.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads the body of `request`.
    ///
    /// # Errors
    /// 415, 413, 408, or 400 with what is wrong with the JSON.
    pub(super) async fn read(request: Request<Body>, limit_bytes: usize) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::media_type());
        }
        let expects_continue = request.headers().contains_key(header::EXPECT);
        let is_too_large = content_length(request.headers()).is_some_and(|length| length > limit_bytes as u64);
        let body = request.into_body();
        if is_too_large {
            if !expects_continue {
                let _ = tokio::time::timeout(BODY_TIMEOUT, drain(body)).await;
            }
            return Err(Problem::too_large(limit_bytes));
        }
        let bytes = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit_bytes)).await;
        let bytes = match bytes {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) if is_over_limit(&error) => return Err(Problem::too_large(limit_bytes)),
            Ok(Err(_)) => return Err(Problem::malformed("the body ended before it was complete; send it again")),
            Err(_) => return Err(Problem::timeout()),
        };
        serde_json::from_slice(&bytes).map_err(|error| Problem::malformed(format!("the body is not valid JSON: {error}")))
    }

    /// Takes the string `name`; notes a fault if it is required and missing, or
    /// something else than a string.
    pub(super) fn string(&mut self, name: &str, is_required: bool, faults: &mut Faults) -> Option<String> {
        match self.0.iter().position(|(found, _)| found == name).map(|at| self.0.swap_remove(at).1) {
            Some(Value::String(text)) => return Some(text),
            None | Some(Value::Null) if !is_required => {}
            None => faults.push(name, "is missing"),
            Some(Value::Null) => faults.push(name, "must be a string, not null"),
            Some(other) => faults.push(name, format!("must be a string, not {}", kind(&other))),
        }
        None
    }

    /// Notes a fault for each member that was not taken. `id`, `status` and the
    /// like are the service's to set, and a typo must not pass unseen.
    pub(super) fn refuse_others(self, faults: &mut Faults) {
        for (name, _) in self.0 {
            faults.push(name.replace('~', "~0").replace('/', "~1"), "is not a field of this call; remove it");
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    let mut n_bytes = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        n_bytes += chunk.len();
        if n_bytes > DRAIN_MAX_BYTES {
            return;
        }
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Value)> = Vec::with_capacity(4);
                while let Some(name) = map.next_key::<String>()? {
                    // Two values for one name: readers differ in which they take.
                    if fields.iter().any(|(other, _)| *other == name) {
                        return Err(serde::de::Error::custom(format_args!("`{name}` stands there twice")));
                    }
                    if fields.len() == 64 {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}
