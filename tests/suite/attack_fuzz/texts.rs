//! Addresses, policies, and the markdown of reports.

use golive::policy::parse::{Refusal, parse};
use golive::report::key::RepositoryKey;

pub(super) fn key(input: &[u8]) {
    let url = String::from_utf8_lossy(input);
    let Ok(key) = RepositoryKey::parse(&url) else { return };
    let path = key.path();
    assert!(golive::store::is_report_path(&path) && path.len() < 200 && path.is_ascii(), "{path}");
    assert!(path.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/".contains(&b)), "{path}");
    assert!(!key.as_str().contains(['?', '#', '\\', '@']) || key.as_str().contains("/"), "{key}");
    // A key is an address of its own; spelled otherwise it is the same one.
    for spelled in [
        format!("https://{key}"),
        format!("https://{key}/"),
        format!("https://{key}.git"),
        format!("HTTPS://{key}.git/"),
    ] {
        let again = RepositoryKey::parse(&spelled);
        let is_other = key.as_str().ends_with(".git") || key.host().contains(':');
        assert!(is_other || again.as_ref() == Ok(&key), "{url:?} is {key}, and {spelled} is {again:?}");
    }
}

pub(super) fn policy(file: &[u8]) {
    match parse(file) {
        Ok(policy) => assert_eq!(parse(file).as_ref(), Ok(&policy)),
        Err(Refusal::NoFormat) => {}
        Err(Refusal::Fault(fault)) => {
            let n_lines = 1 + file.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            assert!(fault.place.is_none_or(|(line, column)| line <= n_lines + 1 && column > 0), "{fault:?}");
            assert!(!fault.detail.is_empty() && !fault.repair.is_empty(), "{fault:?}");
        }
    }
}

pub(super) fn markdown(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    crate::assess_bounds::check(&text);
    crate::render::check(&text);
}
