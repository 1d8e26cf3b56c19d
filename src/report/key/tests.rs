use super::*;

/// One named test per row: the URL, and the key or a part of the refusal.
macro_rules! keys {
    ($($name:ident: $url:expr => $expected:expr,)*) => {$(
        #[test]
        fn $name() {
            let expected: Result<&str, &str> = $expected;
            match (RepositoryKey::parse($url), expected) {
                (Ok(key), Ok(text)) => assert_eq!(key.as_str(), text),
                (Err(detail), Err(part)) => assert!(detail.contains(part), "{detail:?} lacks {part:?}"),
                (got, _) => panic!("{} gave {got:?}, not {expected:?}", $url),
            }
        }
    )*};
}

keys! {
    https_is_host_and_path: "https://github.com/intility/mcp-servicenow" => Ok("github.com/intility/mcp-servicenow"),
    http_is_the_same: "http://github.com/intility/mcp-servicenow" => Ok("github.com/intility/mcp-servicenow"),
    dot_git_is_dropped: "https://github.com/intility/mcp-servicenow.git" => Ok("github.com/intility/mcp-servicenow"),
    final_slash_is_dropped: "https://github.com/intility/mcp-servicenow/" => Ok("github.com/intility/mcp-servicenow"),
    dot_git_and_slash_are_dropped: "https://github.com/intility/mcp-servicenow.git/" => Ok("github.com/intility/mcp-servicenow"),
    scp_form_is_the_same: "git@github.com:intility/mcp-servicenow.git" => Ok("github.com/intility/mcp-servicenow"),
    scp_form_with_slash_is_the_same: "git@github.com:/intility/mcp-servicenow" => Ok("github.com/intility/mcp-servicenow"),
    scp_form_needs_no_user: "github.com:intility/mcp-servicenow" => Ok("github.com/intility/mcp-servicenow"),
    ssh_is_the_same: "ssh://git@github.com/intility/mcp-servicenow" => Ok("github.com/intility/mcp-servicenow"),
    default_ports_are_dropped: "https://github.com:443/a/b" => Ok("github.com/a/b"),
    ssh_default_port_is_dropped: "ssh://git@github.com:22/a/b" => Ok("github.com/a/b"),
    other_ports_stay: "https://git.acme.example:8443/a/b" => Ok("git.acme.example:8443/a/b"),
    default_port_of_another_scheme_stays: "http://git.acme.example:443/a/b" => Ok("git.acme.example:443/a/b"),
    scheme_and_host_fold: "HTTPS://GitHub.COM/a/b" => Ok("github.com/a/b"),
    github_path_folds: "https://github.com/Intility/MCP-ServiceNow" => Ok("github.com/intility/mcp-servicenow"),
    github_dot_git_folds: "https://github.com/a/b.GIT" => Ok("github.com/a/b"),
    gitlab_path_folds: "https://gitlab.acme.example/Group/Sub/Name" => Ok("gitlab.acme.example/group/sub/name"),
    other_hosts_keep_case: "https://git.acme.example/Team/Name" => Ok("git.acme.example/Team/Name"),
    other_hosts_may_have_one_segment: "https://git.acme.example/name.git" => Ok("git.acme.example/name"),
    percent_of_unreserved_is_decoded: "https://git.acme.example/%41b/%7Ec" => Ok("git.acme.example/Ab/~c"),
    percent_is_upper_case: "https://git.acme.example/a/%c3%a9" => Ok("git.acme.example/a/%C3%A9"),
    plain_unicode_is_encoded: "https://git.acme.example/a/é" => Ok("git.acme.example/a/%C3%A9"),
    folding_keeps_escapes: "https://gitlab.com/A/%c3%89X" => Ok("gitlab.com/a/%C3%89x"),
    ipv6_is_a_host: "https://[2001:DB8::1]:8443/a/b" => Ok("[2001:db8::1]:8443/a/b"),
    ipv6_scp_form: "git@[::1]:a/b" => Ok("[::1]/a/b"),

    user_info_in_https: "https://me@github.com/a/b" => Err("user name or password"),
    password_in_https: "https://me:secret@github.com/a/b" => Err("user name or password"),
    password_in_ssh: "ssh://me:secret@github.com/a/b" => Err("password"),
    password_in_scp_form: "me:secret@github.com:a/b" => Err(""),
    query: "https://github.com/a/b?x=1" => Err("query"),
    fragment: "https://github.com/a/b#readme" => Err("fragment"),
    no_host: "https:///a/b" => Err("must name a host"),
    port_without_host: "https://:8443/a/b" => Err("must name a host"),
    no_path: "https://github.com" => Err("must name a repository"),
    slash_only: "https://github.com/" => Err("must name a repository"),
    empty_segment: "https://github.com/a//b" => Err("empty path segment"),
    two_final_slashes: "https://github.com/a/b//" => Err("empty path segment"),
    dot_segment: "https://git.acme.example/a/./b" => Err("path segment `.`"),
    dot_dot_segment: "https://git.acme.example/a/../b" => Err("path segment `..`"),
    encoded_dot_dot_segment: "https://git.acme.example/a/%2e%2E/b" => Err("path segment `..`"),
    dot_dot_before_dot_git: "https://git.acme.example/a/...git" => Err("path segment `..`"),
    encoded_slash: "https://git.acme.example/a%2Fb" => Err("%2F"),
    encoded_nul: "https://git.acme.example/a/%00" => Err("%00"),
    bad_escape: "https://git.acme.example/a/%4" => Err("two hex digits"),
    only_dot_git: "https://git.acme.example/a/.git" => Err("before `.git`"),
    page_of_a_repository: "https://github.com/a/b/tree/main" => Err("repository itself"),
    owner_alone: "https://github.com/intility" => Err("repository itself"),
    gitlab_owner_alone: "https://gitlab.com/intility" => Err("owner and repository"),
    other_scheme: "ftp://github.com/a/b" => Err("scheme `ftp`"),
    git_scheme: "git://github.com/a/b" => Err("scheme `git`"),
    file_scheme: "file:///srv/a" => Err("scheme `file`"),
    script: "javascript:alert(1)" => Err(""),
    data_url: "data:text/html,hello" => Err("not a repository URL"),
    one_slash: "https:/github.com/a/b" => Err("not a repository URL"),
    no_scheme: "github.com/a/b" => Err("not a repository URL"),
    local_path: "/srv/git/a" => Err("not a repository URL"),
    windows_path: "C:\\git\\a" => Err("backslash"),
    white_space: "https://github.com/a/b c" => Err("white space"),
    bad_port: "https://git.acme.example:99999/a/b" => Err("port"),
    word_port: "https://git.acme.example:http/a/b" => Err("port"),
    bad_ipv6: "https://[::zz]/a/b" => Err("IPv6"),
    unicode_host: "https://gïthub.com/a/b" => Err("xn--"),
    host_with_trailing_dot: "https://github.com./a/b" => Err("host name"),
    host_with_at_twice: "ssh://a@b@github.com/a/b" => Err("plain user name"),
}

#[test]
fn path_is_pinned_for_ever() {
    // Computed once with `printf github.com/intility/mcp-servicenow | sha256sum`;
    // a change here would orphan every report ever stored.
    let key = RepositoryKey::parse("git@github.com:Intility/MCP-ServiceNow.git").expect("valid");
    assert_eq!(key.path(), "reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.md");
}

#[test]
fn long_and_odd_names_stay_short_and_plain() {
    for url in [
        format!("https://git.acme.example/{}", "x".repeat(450)),
        format!("https://git.acme.example/{}", "%C3%A9".repeat(60)),
        "https://git.acme.example/-rf/.hidden".to_owned(),
        "https://git.acme.example/~/+".to_owned(),
    ] {
        let path = RepositoryKey::parse(&url).expect("valid").path();
        assert!(path.len() < 200, "{path}");
        assert!(path.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/')), "{path}");
        let name = path.rsplit('/').next().expect("has a name");
        assert!(!name.starts_with(['.', '-']), "{path}");
    }
}
