//! What an answer must be. The status is looked at always, what is in it often enough to
//! notice a service that answers quickly and wrongly, and seldom enough not to be the load.

use serde_json::Value;

use crate::text;

/// One answer of so many is read in full.
const SAMPLE: u64 = 128;

pub enum Expected {
    Created { key: u64 },
    Report { id: String, key: u64 },
    Page { items: usize },
    Decided { id: String, status: &'static str, notes: String },
    History,
    Anything,
}

impl Expected {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "post",
            Self::Report { .. } => "get",
            Self::Page { .. } => "list",
            Self::Decided { .. } => "patch",
            Self::History => "history",
            Self::Anything => "path",
        }
    }

    /// Says what is wrong with the answer to request `n`.
    pub fn check(&self, n: u64, status: u16, body: &[u8]) -> Result<(), String> {
        let due = if matches!(self, Self::Created { .. }) { 201 } else { 200 };
        let shown = || String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        if status != due {
            return Err(format!("{}: status {status} instead of {due}: {}", self.name(), shown()));
        }
        if !n.is_multiple_of(SAMPLE) {
            return Ok(());
        }
        let is_right = match self {
            Self::Anything => !body.is_empty(),
            _ => serde_json::from_slice(body).is_ok_and(|value| self.holds(&value)),
        };
        if is_right { Ok(()) } else { Err(format!("{}: not what was asked for: {}", self.name(), shown())) }
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Created { key } => value["report_data"] == text::body(*key) && value["status"] == "pending_review",
            Self::Report { id, key } => value["id"] == id.as_str() && value["report_data"] == text::body(*key),
            Self::Page { items } => value.as_array().is_some_and(|page| {
                page.len() == *items && page.iter().all(|summary| summary["status"] == "pending_review")
            }),
            Self::Decided { id, status, notes } => {
                value["id"] == id.as_str() && value["status"] == *status && value["review_notes"] == notes.as_str()
            }
            Self::History => value.as_array().is_some_and(|events| !events.is_empty()),
            Self::Anything => true,
        }
    }
}

/// Returns the id in the answer to a submission, without parsing all of it.
pub fn id(body: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"id\":\"";
    let start = body.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let length = body[start..].iter().position(|byte| *byte == b'"')?;
    String::from_utf8(body[start..start + length].to_vec()).ok()
}
