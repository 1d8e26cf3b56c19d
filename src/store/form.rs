//! The form of a report that a repository gives out: `TEMPLATE.md` at the tip, or
//! the one that a new repository starts with.

use git2::{ObjectType, Oid, Repository};

use super::snapshot::Snapshot;
use super::{Store, WriteError, blob_id, off_async, template, walk};

const NAME: &str = "TEMPLATE.md";
/// A longer one is nobody's to fill in.
const BYTES_MAX: usize = 1024 * 1024;

/// A form of a report, as markdown.
#[derive(Clone, Debug)]
pub struct Form {
    pub blob: Oid,
    pub text: String,
}

impl Store {
    /// Returns the form that is given out in the state of `snapshot`. What stands in
    /// its place and is no text of at most 1 MiB is passed over.
    ///
    /// # Errors
    /// [`WriteError::Failed`] if git cannot read it.
    pub async fn template(&self, snapshot: &Snapshot) -> Result<Form, WriteError> {
        let (shared, tree) = (self.shared.clone(), snapshot.tree);
        let read = move || shared.blobs.walk(|git| committed(git, tree));
        let failed = |error: git2::Error| WriteError::Failed(std::sync::Arc::new(std::io::Error::other(error)));
        let committed = off_async(read).await?.map_err(failed)?;
        Ok(committed.unwrap_or_else(built_in))
    }
}

fn committed(git: &Repository, tree: Oid) -> Result<Option<Form>, git2::Error> {
    let tree = git.find_tree(tree)?;
    let entry = tree.get_name(NAME).filter(|entry| walk::is_regular(entry.filemode()));
    let Some(blob) = entry.map(|entry| entry.id()) else { return Ok(None) };
    let (size, kind) = git.odb()?.read_header(blob)?;
    if kind != ObjectType::Blob || size > BYTES_MAX {
        return Ok(None);
    }
    let text = String::from_utf8(git.find_blob(blob)?.content().to_vec()).ok();
    Ok(text.map(|text| Form { blob, text }))
}

fn built_in() -> Form {
    let file = template::FILES.iter().find(|(name, _)| *name == NAME);
    let text = file.map(|(_, text)| (*text).to_owned()).unwrap_or_default();
    Form { blob: blob_id(text.as_bytes()), text }
}
