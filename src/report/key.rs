//! Repository URL -> repository key -> path of the report file.
//!
//! A key is what two spellings of one source repository have in common, and the
//! path is a function of the key alone, so a repository cannot have two reports.
//! **Neither can be changed later**: existing reports would be found no more.
//! Pure text; nothing is ever fetched from the URL.

mod percent;

use sha2::{Digest, Sha256};

/// The identity of a source repository: `host[:port]/segment/…/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryKey(String);

/// The readable part of a file name is cut here, so that the whole path stays
/// under 200 characters: 8 + 6 + 150 + 1 + 16 + 3 = 184.
const READABLE_MAX: usize = 150;

impl RepositoryKey {
    /// Parses `http(s)://host/…`, `ssh://[user@]host/…` or `[user@]host:path`.
    ///
    /// # Errors
    /// A sentence that says what to change: another scheme, user info in
    /// http(s), a password, a query or fragment, no host, empty or dot segments,
    /// on GitHub anything but owner and name.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(c) = url.chars().find(|c| c.is_whitespace() || matches!(c, '?' | '#' | '\\')) {
            return Err(match c {
                '?' => "must not have a query; remove `?` and what follows".into(),
                '#' => "must not have a fragment; remove `#` and what follows".into(),
                '\\' => "must not hold a backslash; use `/`".into(),
                _ => "must not hold white space; write it as `%20`".into(),
            });
        }
        let (scheme, authority, path) = split(url)?;
        let host = scheme.host(authority)?;
        let labels: Vec<&str> = host.split(['.', ':']).collect();
        let is_github = labels.contains(&"github");
        let folds_case = is_github || labels.contains(&"gitlab");

        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return Err("must name a repository, like `https://github.com/owner/name`".into());
        }
        let mut segments = Vec::new();
        for segment in path.split('/') {
            let segment = percent::normalize(segment)?;
            if segment.is_empty() {
                return Err("must not have an empty path segment (`//`)".into());
            }
            if segment == "." || segment == ".." {
                return Err(format!("must not have the path segment `{segment}`"));
            }
            segments.push(if folds_case { percent::fold_case(&segment) } else { segment });
        }
        let name = segments.pop().expect("a path that is not empty has a last segment");
        let name = match name.strip_suffix(".git") {
            Some("") => return Err("must name a repository before `.git`".into()),
            Some(bare @ ("." | "..")) => {
                return Err(format!("must not have the path segment `{bare}`"));
            }
            Some(bare) => bare.to_owned(),
            None => name,
        };
        segments.push(name);
        if is_github && segments.len() != 2 {
            return Err("must be the repository itself on GitHub: `https://github.com/owner/name`".into());
        }
        if folds_case && segments.len() < 2 {
            return Err("must name owner and repository: `https://gitlab.com/owner/name`".into());
        }
        Ok(Self(format!("{host}/{}", segments.join("/"))))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host, with its port if that is not the scheme's own.
    pub fn host(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(host, _)| host)
    }

    /// Returns what stands between host and name: `owner`, or `group/subgroup`;
    /// empty if nothing does.
    pub fn owner(&self) -> &str {
        let path = self.0.split_once('/').map_or("", |(_, path)| path);
        path.rsplit_once('/').map_or("", |(owner, _)| owner)
    }

    /// Returns the path of the report file, relative to the root of the reports
    /// repository: `reports/<h>/<h>/<h>/<owner>-<name>-<16 hex>.md`, ASCII.
    pub fn path(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        let first = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
        let hex = format!("{first:016x}");
        let (a, b, c) = (&hex[0..1], &hex[1..2], &hex[2..3]);
        let (_, path) = self.0.split_once('/').expect("a key has a host and a path");
        format!("reports/{a}/{b}/{c}/{}-{hex}.md", readable(path))
    }
}

impl std::fmt::Display for RepositoryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns `path` in `[a-z0-9._-]`, at most [`READABLE_MAX`] long, safe as the
/// start of a file name in a shell and on any file system.
fn readable(path: &str) -> String {
    let text: String = path
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '.' | '_' | '-') => c,
            _ => '-',
        })
        .take(READABLE_MAX)
        .collect();
    let text = text.trim_matches(['.', '-']);
    if text.is_empty() { "repository".into() } else { text.into() }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    Ssh,
}

fn split(url: &str) -> Result<(Scheme, &str, &str), String> {
    const FORMS: &str = "use `https://host/owner/name`, `ssh://git@host/owner/name` or `git@host:owner/name`";
    if let Some((scheme, rest)) = url.split_once("://") {
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "ssh" => Scheme::Ssh,
            _ => return Err(format!("must not use the scheme `{scheme}`; {FORMS}")),
        };
        let end = rest.find('/').unwrap_or(rest.len());
        return Ok((scheme, &rest[..end], &rest[end..]));
    }
    // `[user@]host:path`, as git and ssh read it: no slash before the colon.
    let colon = if url.contains('[') { url.find("]:").map(|at| at + 1) } else { url.find(':') };
    let Some((authority, path)) = colon.map(|at| (&url[..at], &url[at + 1..])) else {
        return Err(format!("is not a repository URL; {FORMS}"));
    };
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let is_scheme =
        ["http", "https", "ssh", "git", "ftp", "file"].iter().any(|scheme| host.eq_ignore_ascii_case(scheme));
    // Without a user, `word:rest` is more likely a scheme (`javascript:`) than a host.
    let has_user_or_dot = authority.contains(['@', '.', '[']);
    if authority.contains('/') || is_scheme || !has_user_or_dot {
        return Err(format!("is not a repository URL; {FORMS}"));
    }
    Ok((Scheme::Ssh, authority, path))
}

impl Scheme {
    /// Returns `host` or `host:port` in normal form: lower case, default port dropped.
    fn host(self, authority: &str) -> Result<String, String> {
        let host_port = match authority.rsplit_once('@') {
            Some(_) if self != Self::Ssh => {
                return Err("must not hold a user name or password; remove everything up to `@`".into());
            }
            Some((user, _)) if user.contains(':') => {
                return Err("must not hold a password; remove `:` and what follows before `@`".into());
            }
            Some((user, _)) if user.is_empty() || user.contains('@') => {
                return Err("must have a plain user name before `@`".into());
            }
            Some((_, host)) => host,
            None => authority,
        };
        let (host, port) = match host_port.rfind(':') {
            Some(at) if !host_port[at..].contains(']') => (&host_port[..at], Some(&host_port[at + 1..])),
            _ => (host_port, None),
        };
        let host = host.to_ascii_lowercase();
        if host.is_empty() {
            return Err("must name a host, like `https://github.com/owner/name`".into());
        }
        check_host(&host)?;
        let port = match port {
            None | Some("") => None,
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
                let port: u16 = text.parse().map_err(|_| format!("must not have the port `{text}`"))?;
                Some(port)
            }
            Some(text) => return Err(format!("must not have the port `{text}`")),
        };
        match port {
            Some(port) if port != self.default_port() => Ok(format!("{host}:{port}")),
            _ => Ok(host),
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Ssh => 22,
        }
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match inner.parse::<std::net::Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("must not have the host `{host}`; it is not an IPv6 address")),
        };
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.len() <= 253 && host.split('.').all(is_label) {
        Ok(())
    } else if host.is_ascii() {
        Err(format!("must not have the host `{host}`; it is not a host name"))
    } else {
        Err(format!("must have its host in ASCII; write `{host}` in its `xn--` form"))
    }
}

#[cfg(test)]
mod tests;
