//! The desk as a browser without JavaScript uses it.

use super::{Answer, Service};

/// What a browser says of itself when a person follows a link.
pub(crate) const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

impl Service<'_> {
    /// Loads a page as a browser does.
    pub(crate) fn page(&self, path: &str) -> Answer {
        self.send("GET", path, &[BROWSER], [])
    }

    /// Loads a page that must be there, and returns its HTML.
    pub(crate) fn html(&self, path: &str) -> String {
        let answer = self.page(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// Loads the page of a report, for its form.
    pub(crate) fn form(&self, id: &str) -> Form {
        let answer = self.page(&format!("/reports/{id}"));
        let cookie = answer.header("set-cookie").split(';').next().expect("a value").to_owned();
        Form::of(id, &answer.text(), cookie)
    }

    /// Sends the form as a browser does, with further headers.
    pub(crate) fn send_form(&self, form: &Form, headers: &[(&str, &str)]) -> Answer {
        let own = [BROWSER, ("content-type", "application/x-www-form-urlencoded"), ("cookie", &form.cookie)];
        let headers = [&own[..], headers].concat();
        self.send("POST", &format!("/reports/{}/decision", form.id), &headers, form.encoded())
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// Asserts that this is a page of `status`, and returns its HTML.
    pub(crate) fn assert_page(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert_guarded(self);
        self.text()
    }
}

/// Asserts that the page cannot load or run what is not the desk's own.
pub(crate) fn assert_guarded(page: &Answer) {
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(part), "no {part}: {policy}");
    }
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
}

/// The decision form, filled in.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) id: String,
    pub(crate) cookie: String,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Form {
    /// The form in `html`, with what is filled in there.
    pub(crate) fn of(id: &str, html: &str, cookie: String) -> Self {
        let hidden = |name: &str| value_after(html, &format!("name=\"{name}\" value=\""), "\"");
        let fields = ["version", "token", "commit"].map(|name| (name, hidden(name))).to_vec();
        Self { id: id.to_owned(), cookie, fields }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.retain(|(other, _)| *other != name);
        self.fields.push((name, value.to_owned()));
        self
    }

    pub(crate) fn decides(self, status: &str, notes: &str) -> Self {
        self.with("status", status).with("review_notes", notes).with("reviewed_by", "Morgan <morgan@example.com>")
    }

    fn encoded(&self) -> String {
        let spelled = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs: Vec<_> = self.fields.iter().map(|(name, value)| format!("{name}={}", spelled(value))).collect();
        pairs.join("&")
    }
}

/// What stands between `start` and `end`.
pub(crate) fn value_after(html: &str, start: &str, end: &str) -> String {
    let (_, rest) = html.split_once(start).unwrap_or_else(|| panic!("no {start} in {html}"));
    rest.split_once(end).expect("an end").0.to_owned()
}
