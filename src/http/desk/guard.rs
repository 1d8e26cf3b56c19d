//! Keeps other web sites from deciding in a reviewer's name. A form counts only
//! if it was sent by a page of this service, and brings back a token that was
//! made for this browser (a cookie), this report, and this process.

use axum::http::{HeaderMap, header};
use base16ct::lower::encode_string;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::http::problem::Problem;

const COOKIE: &str = "golive-desk";

/// Makes and checks tokens.
pub(super) struct Guard {
    /// Of this process alone: a form that outlives it is shown once more.
    key: [u8; 32],
}

impl Guard {
    pub(super) fn new() -> Self {
        Self { key: random() }
    }

    /// Returns the token of a form about `id` in the browser of `session`.
    pub(super) fn token(&self, session: &Session, id: Uuid) -> String {
        encode_string(&self.mac(session, id).finalize().into_bytes())
    }

    /// Returns whether `token` is the one of this form.
    pub(super) fn accepts(&self, session: &Session, id: Uuid, token: &str) -> bool {
        let bytes: Option<Vec<u8>> = (token.len() == 64 && token.is_ascii())
            .then(|| (0..64).step_by(2).map(|at| u8::from_str_radix(&token[at..at + 2], 16).ok()).collect())
            .flatten();
        bytes.is_some_and(|bytes| self.mac(session, id).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, session: &Session, id: Uuid) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length of key will do");
        mac.update(session.id.as_bytes());
        mac.update(id.as_bytes());
        mac
    }
}

/// A browser, told from others by a cookie that says nothing.
pub(super) struct Session {
    id: String,
    is_new: bool,
}

impl Session {
    /// The one whose cookie came along, else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let known = pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value);
        match known.filter(|id| id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(id) => Self { id: id.to_owned(), is_new: false },
            None => Self { id: encode_string(&random::<32>()), is_new: true },
        }
    }

    /// Returns the cookie to set, if the browser has none. `Lax`, not `Strict`: a
    /// link in a chat must not look like a new browser, whose cookie would make
    /// the forms in other tabs void.
    pub(super) fn cookie(&self) -> Option<String> {
        self.is_new.then(|| format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", self.id))
    }
}

/// Checks that a page of this service sent the request. A browser says so in
/// headers that no page can forge; one that says neither has to bring the token.
///
/// # Errors
/// 403.
pub(super) fn check_source(headers: &HeaderMap) -> Result<(), Problem> {
    let all = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>();
    let is_own_site = matches!(all("sec-fetch-site")[..], [] | ["same-origin" | "none"]);
    let host = all("host").first().map(|host| host.to_ascii_lowercase()).unwrap_or_default();
    let is_own_origin = match all("origin")[..] {
        [] => true,
        [origin] => origin.split_once("://").is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(&host)),
        _ => false,
    };
    if is_own_site && is_own_origin {
        return Ok(());
    }
    Err(Problem::forbidden(
        "this form was sent by a page of another site, so nothing was decided; open the report here, and decide there",
    ))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_pages_of_this_service_may_send_the_form() {
        let host = ("host", "Desk.example:8080");
        for (given, is_accepted) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://desk.example:8080")], true),
            (&[("origin", "https://desk.example:8080")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://desk.example")], false),
            (&[("origin", "http://desk.example:8080.evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://desk.example:8080"), ("origin", "http://evil.example")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")], false),
        ] {
            let mut headers = headers(&[host]);
            given.iter().for_each(|(name, value)| {
                headers.append(*name, HeaderValue::from_static(value));
            });
            assert_eq!(check_source(&headers).is_ok(), is_accepted, "{given:?}");
        }
    }

    #[test]
    fn token_fits_one_browser_one_report_and_one_process() {
        let (guard, session, id) = (Guard::new(), Session::of(&HeaderMap::new()), Uuid::from_u128(1));
        let token = guard.token(&session, id);
        assert!(guard.accepts(&session, id, &token));
        assert!(!guard.accepts(&session, Uuid::from_u128(2), &token));
        assert!(!guard.accepts(&Session::of(&HeaderMap::new()), id, &token));
        assert!(!Guard::new().accepts(&session, id, &token));
        for bad in ["", "é", &"é".repeat(32), &"g".repeat(64), &token[1..]] {
            assert!(!guard.accepts(&session, id, bad), "{bad}");
        }
    }

    #[test]
    fn browser_keeps_its_cookie() {
        let first = Session::of(&HeaderMap::new());
        let cookie = first.cookie().expect("a new one");
        let value = cookie.split(';').next().expect("a value");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::try_from(format!("a=b; {value}")).expect("ASCII"));
        let again = Session::of(&headers);
        assert_eq!((again.id.as_str(), again.cookie()), (first.id.as_str(), None));
    }
}
