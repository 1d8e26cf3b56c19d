//! Reads a JSON body strictly: the right media type, within the limits, one
//! object, no name twice, no name that the call does not know.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::problem::Problem;
use super::room::Share;
use crate::report::validate::Faults;

/// No call knows nearly as many; looking for twins is quadratic.
const FIELDS_MAX: usize = 64;
/// Room that is made for a body before it arrives.
const BELIEVED_BYTES: usize = 64 * 1024;
/// A body has to arrive within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The members of the object that was sent, in order.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads the body of `request`.
    ///
    /// # Errors
    /// 415, 413, 408, 503 if others take all the room, or 400 with what is wrong with the JSON.
    pub(super) async fn read(request: Request<Body>, limit_bytes: usize) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::media_type());
        }
        if content_length(request.headers()).is_some_and(|length| length > limit_bytes as u64) {
            return Err(Problem::too_large(limit_bytes));
        }
        let share = request.extensions().get::<Share>().cloned();
        let arrived = arrived(request.into_body(), limit_bytes, share);
        let bytes = tokio::time::timeout(BODY_TIMEOUT, arrived).await.map_err(|_| Problem::timeout())??;
        match serde_json::from_slice(&bytes) {
            Ok(Sent::Object(fields)) => Ok(fields),
            Ok(Sent::Other) => {
                let mut faults = Faults::default();
                faults.push("", "must be a JSON object");
                Err(Problem::invalid(faults, "#"))
            }
            Err(error) => Err(Problem::malformed(format!("the body is not valid JSON: {error}"))),
        }
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

/// Returns the whole of `body`.
async fn arrived(mut body: Body, limit_bytes: usize, share: Option<Share>) -> Result<Vec<u8>, Problem> {
    // What is said to come is only believed as far as it is small.
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(expected.min(BELIEVED_BYTES));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body ended before it was complete; send it again"))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > limit_bytes {
            return Err(Problem::too_large(limit_bytes));
        }
        if let Some(share) = &share {
            share.take(bytes.len() + data.len(), data.len())?;
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

/// Well-formed JSON.
enum Sent {
    Object(Fields),
    Other,
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SentVisitor)
    }
}

struct SentVisitor;

impl<'de> Visitor<'de> for SentVisitor {
    type Value = Sent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sent, A::Error> {
        let mut fields: Vec<(String, Value)> = Vec::with_capacity(4);
        while let Some(name) = map.next_key::<String>()? {
            // Two values for one name: readers differ in which they take.
            if fields.iter().any(|(other, _)| *other == name) {
                return Err(Error::custom(format_args!("`{name}` stands there twice")));
            }
            if fields.len() == FIELDS_MAX {
                return Err(Error::custom("too many members"));
            }
            fields.push((name, map.next_value()?));
        }
        Ok(Sent::Object(Fields(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Sent, A::Error> {
        while sequence.next_element::<Value>()?.is_some() {}
        Ok(Sent::Other)
    }

    fn visit_unit<E>(self) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Sent, E> {
        Ok(Sent::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Sent, E> {
        Ok(Sent::Other)
    }
}
