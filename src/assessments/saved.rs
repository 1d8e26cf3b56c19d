//! The short forms on disk, `<git dir>/golive/assessed`, so that a start need not
//! read every report again: 25 bytes for each.
//!
//! Derived: what another program or other rules made, or what is cut, is not used.
//! Written without a sync.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use git2::Oid;

use super::{RISKS, Short};
use crate::store::build;
use crate::store::repository::Location;

const ID_LEN: usize = 20;
const FORM_LEN: usize = ID_LEN + 5;

/// Puts the forms that the rules `policy` came to on disk.
///
/// # Errors
/// The file system's; what was there before stays.
pub(super) fn save(location: &Location, policy: Oid, by_blob: &HashMap<Oid, Short>) -> io::Result<()> {
    let mut bytes = head()?;
    bytes.reserve(by_blob.len() * FORM_LEN + ID_LEN + 4);
    bytes.extend_from_slice(policy.as_bytes());
    for (blob, short) in by_blob {
        let risk = RISKS.iter().position(|risk| *risk == short.risk_level).unwrap_or_default();
        bytes.extend_from_slice(blob.as_bytes());
        bytes.push(risk as u8);
        bytes.extend_from_slice(&short.errors.to_le_bytes());
        bytes.extend_from_slice(&short.warnings.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    let draft = location.own_dir().join("assessed.new");
    fs::create_dir_all(location.own_dir())?;
    let write = || fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path(location)));
    write().inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Returns the rules and the forms that were saved last; `None` if they cannot be used.
pub(super) fn read(location: &Location) -> Option<(Oid, HashMap<Oid, Short>)> {
    let bytes = fs::read(path(location)).ok()?;
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (policy, forms) = bytes.strip_prefix(head().ok()?.as_slice())?.split_at_checked(ID_LEN)?;
    let form = |bytes: &[u8]| {
        let (blob, form) = bytes.split_at_checked(ID_LEN)?;
        let &[risk, e0, e1, w0, w1] = form else { return None };
        let (errors, warnings) = (u16::from_le_bytes([e0, e1]), u16::from_le_bytes([w0, w1]));
        let risk_level = *RISKS.get(usize::from(risk))?;
        Some((Oid::from_bytes(blob).ok()?, Short { risk_level, errors, warnings }))
    };
    let by_blob = forms.chunks(FORM_LEN).map(form).collect::<Option<_>>()?;
    Some((Oid::from_bytes(policy).ok()?, by_blob))
}

fn head() -> io::Result<Vec<u8>> {
    Ok(format!("golive assessed, by {}\n", build::mark()?).into_bytes())
}

fn path(location: &Location) -> PathBuf {
    location.own_dir().join("assessed")
}
