//! Facts that can be held against something: the server, its repository, dates, commits.

use super::fields::{self, Field, Source};
use super::findings::quote;
use super::words::words;
use super::{About, Report, placeholders, rules, value};
use crate::report::key::RepositoryKey;

const NAME: &[&str] = &["mcpservername", "servername"];
const REPOSITORY: &[&str] = &["repository", "repositoryurl", "repo", "sourcerepository", "repositorylink"];
const COMMIT: &[&str] = &["commit", "commitid", "commitsha", "commithash", "gitcommit", "gitsha", "gitcommitsha"];

pub(super) fn check(report: &mut Report<'_>, about: About<'_>) {
    let front = fields::within(report.fields, &report.structure.front);
    let of = |labels: &[&str]| {
        let is_it = |field: &&Field<'_>| labels.contains(&words(&field.label).concat().as_str());
        front.iter().find(is_it).filter(|field| is_filled_in(field))
    };
    if let Some(field) =
        of(NAME).filter(|field| !about.server_name.is_empty() && !is_name(&field.value, about.server_name))
    {
        let detail = format!("the report is about {}, submitted was {}", quote(&field.value), quote(about.server_name));
        let repair = format!("write `{}`, or submit the report of that server", about.server_name);
        report.findings.add(&rules::NAME_DIFFERS, field.line, detail, repair);
    }
    if let Some(field) =
        of(REPOSITORY).filter(|field| !about.repository_url.is_empty() && !is_repository(field, about.repository_url))
    {
        let detail =
            format!("the repository is {}, submitted was {}", quote(&field.value), quote(about.repository_url));
        let repair = format!("write `{}`, or submit the report of that repository", about.repository_url);
        report.findings.add(&rules::REPOSITORY_DIFFERS, field.line, detail, repair);
    }
    for field in report.fields.iter().filter(|field| field.source != Source::Head && is_filled_in(field)) {
        let label = words(&field.label);
        if COMMIT.contains(&label.concat().as_str())
            && field.source != Source::Column
            && !value::is_commit(&field.value)
        {
            let detail = format!("{} is not the whole id of a commit", quote(&field.value));
            let repair = "write the 40 hexadecimal digits that `git rev-parse HEAD` prints";
            report.findings.add(&rules::COMMIT_INVALID, field.line, detail, repair);
        }
        let is_date = label.len() <= 2 && label.last().is_some_and(|word| word == "date");
        // A column may say in words that there is none.
        let is_meant = field.source != Source::Column || field.value.contains(|c: char| c.is_ascii_digit());
        if is_date && is_meant && !value::is_date(&field.value) {
            let detail = format!("{} is not a date", quote(&field.value));
            report.findings.add(
                &rules::DATE_INVALID,
                field.line,
                detail,
                "write a day of the calendar as `YYYY-MM-DD`",
            );
        }
    }
}

fn is_filled_in(field: &Field<'_>) -> bool {
    field.value.chars().any(char::is_alphanumeric) && placeholders::find(&field.value).is_none()
}

/// Returns whether `value` is `name`, whatever its case, or begins with it.
fn is_name(value: &str, name: &str) -> bool {
    let (value, name) = (value.to_lowercase(), name.to_lowercase());
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    value.strip_prefix(name.trim()).is_some_and(|rest| !rest.starts_with(is_part))
}

/// Returns whether one of the addresses in `field` is that of the repository.
fn is_repository(field: &Field<'_>, url: &str) -> bool {
    // What was submitted is checked elsewhere.
    let Ok(key) = RepositoryKey::parse(url) else { return true };
    let words = field.value.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | ','));
    words.chain(field.links.iter().copied()).filter(|word| !word.is_empty()).any(|word| {
        let word = word.trim_end_matches(['.', ';']);
        let parse = |url: &str| RepositoryKey::parse(url).ok();
        let is_key = |found: RepositoryKey| found == key;
        parse(word).is_some_and(is_key)
            || parse(&format!("https://{word}")).is_some_and(is_key)
            // `owner/name` is what people say.
            || key.as_str().split_once('/').is_some_and(|(_, path)| path.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_repository_are_the_same() {
        let field = |value: &str| Field {
            block: 0,
            line: 1,
            label: String::new(),
            value: value.into(),
            links: vec![],
            source: Source::Line,
        };
        for value in [
            "https://github.com/intility/mcp-servicenow",
            "git@github.com:Intility/mcp-servicenow.git",
            "github.com/intility/mcp-servicenow (private)",
            "intility/mcp-servicenow",
        ] {
            assert!(is_repository(&field(value), "https://github.com/intility/mcp-servicenow"), "{value}");
        }
        for value in
            ["https://github.com/intility/mcp-other", "https://gitlab.com/intility/mcp-servicenow", "mcp-servicenow"]
        {
            assert!(!is_repository(&field(value), "https://github.com/intility/mcp-servicenow"), "{value}");
        }
    }

    #[test]
    fn a_name_with_more_behind_it_is_the_same() {
        assert!(is_name("MCP-Parking", "mcp-parking") && is_name("mcp-parking (v2)", "mcp-parking"));
        assert!(!is_name("mcp-parking-next", "mcp-parking") && !is_name("parking", "mcp-parking"));
    }
}
