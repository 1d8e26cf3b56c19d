//! What a new reports repository starts with: `reports-repo-template/`,
//! embedded, so that the binary is all one needs.

/// Name and content of each file, relative to the root of the repository.
pub(super) const FILES: &[(&str, &str)] = &[
    (".gitattributes", include_str!("../../reports-repo-template/.gitattributes")),
    ("EXAMPLE.md", include_str!("../../reports-repo-template/EXAMPLE.md")),
    ("README.md", include_str!("../../reports-repo-template/README.md")),
    ("TEMPLATE.md", include_str!("../../reports-repo-template/TEMPLATE.md")),
    ("golive.yaml", include_str!("../../reports-repo-template/golive.yaml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_template_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/reports-repo-template");
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
