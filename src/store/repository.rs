//! The reports repository as a place: create it from the template, or open it
//! and say in one sentence why it cannot be served.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;
use git2::{Config, ErrorClass, ErrorCode, Oid, Repository, RepositoryInitOptions};

use super::message::{self, Identity};
use super::object::{Kind, Object};
use super::{pack, template};
use crate::failpoint::failpoint;
use crate::policy::parse;
use crate::report::fault::{Fault, Rule};

/// The commit up to which the work tree was brought forward.
pub const MIRRORED_REF: &str = "refs/golive/mirrored";

/// The file by which a golive repository is known.
pub(super) const MARK: &str = "golive.yaml";
/// The service's own mark: the format that it reads and writes.
const FORMAT: u64 = 1;

/// Where the reports repository is. Cheap to clone; every thread opens its own
/// handle, as libgit2's are not shared.
#[derive(Clone, Debug)]
pub struct Location {
    pub work_dir: PathBuf,
    pub git_dir: PathBuf,
    /// The name of the branch that is the truth.
    pub branch: String,
}

impl Location {
    pub(super) fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    pub(super) fn branch_file(&self) -> PathBuf {
        self.git_dir.join(self.branch_ref())
    }

    /// Returns whether the work tree is on the branch: `HEAD` is a link to it.
    ///
    /// # Errors
    /// The file system's.
    pub fn is_checked_out(&self) -> io::Result<bool> {
        let head = fs::read_to_string(self.git_dir.join("HEAD"))?;
        Ok(head.trim_end() == format!("ref: {}", self.branch_ref()))
    }

    pub(super) fn pack_dir(&self) -> PathBuf {
        self.git_dir.join("objects/pack")
    }

    /// The folder for the service's own files.
    pub fn own_dir(&self) -> PathBuf {
        self.git_dir.join("golive")
    }

    /// The folder of files that are on their way.
    pub fn nursery_dir(&self) -> PathBuf {
        self.own_dir().join("new")
    }

    /// The folder of git's hooks, which are the service's.
    pub fn hooks_dir(&self) -> PathBuf {
        self.own_dir().join("hooks")
    }

    /// Opens a handle for the calling thread.
    ///
    /// # Errors
    /// libgit2's, if the repository is gone or broken.
    pub fn open(&self) -> Result<Repository, git2::Error> {
        Repository::open(&self.work_dir)
    }
}

/// Why a folder cannot be served; each is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{path}` does not exist; create it with `golive init {path}`", path = .0.display())]
    Missing(PathBuf),
    #[error("`{path}` exists and is not empty; name a new folder", path = .0.display())]
    NotEmpty(PathBuf),
    #[error("`{path}` is not a git repository; name a new folder, and golive creates it", path = .0.display())]
    NotGit(PathBuf),
    #[error(
        "`{path}` belongs to another user; run golive as that user, or allow it with \
         `git config --global --add safe.directory {path}`",
        path = .0.display()
    )]
    Owner(PathBuf),
    #[error("`{path}` is a bare repository; serve a clone of it: `git clone {path} reports`", path = .0.display())]
    Bare(PathBuf),
    #[error("`{path}` is a linked work tree; serve the repository that it belongs to", path = .0.display())]
    Linked(PathBuf),
    #[error("`{path}` has no branch `{branch}`; create it, or name another with `git -C {path} config golive.branch NAME`", path = .path.display())]
    NoBranch { path: PathBuf, branch: String },
    #[error(
        "`{path}` is not a golive repository: branch `{branch}` has no `golive.yaml` with `golive: 1`; \
         name another folder, or commit a `golive.yaml` that says so",
        path = .path.display()
    )]
    NotGolive { path: PathBuf, branch: String },
    #[error("`{path}` has the format `golive: {found}`, and this golive reads {FORMAT}; install a newer golive", path = .path.display())]
    Format { path: PathBuf, found: u64 },
    #[error("`{path}` is a link; put the folder that it leads to in its place", path = .0.display())]
    Link(PathBuf),
    #[error(
        "the work tree of `{path}` is elsewhere, at `{work_dir}`; serve that folder, or run \
         `git config --unset core.worktree` in `{path}`",
        path = .path.display(), work_dir = .work_dir.display()
    )]
    Elsewhere { path: PathBuf, work_dir: PathBuf },
    #[error(
        "`{path}` is damaged: {source}; `git -C {path} fsck` shows what is missing, and \
         `git -C {path} fetch --refetch CLONE` brings it back from any clone",
        path = .path.display()
    )]
    Damaged { path: PathBuf, source: git2::Error },
    #[error("`{path}` is in use by another golive ({owner}); stop that one first", path = .path.display())]
    InUse { path: PathBuf, owner: String },
    #[error("`{path}` cannot be used: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{path}` cannot be used: {source}", path = .path.display())]
    Git { path: PathBuf, source: git2::Error },
}

impl OpenError {
    /// The history at `path` could not be read: objects are missing or broken, or
    /// the disk failed.
    pub(super) fn of_objects(path: &Path, source: git2::Error) -> Self {
        let path = path.to_owned();
        match source.class() {
            ErrorClass::Os => Self::Git { path, source },
            _ => Self::Damaged { path, source },
        }
    }
}

/// Opens the repository at `path` and checks that it is one of golive's.
///
/// # Errors
/// [`OpenError`], with what to do about it.
pub fn open(path: &Path) -> Result<Location, OpenError> {
    let path = &*full(path);
    if !path.exists() {
        return Err(OpenError::Missing(path.into()));
    }
    let git = Repository::open_ext(path, git2::RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&Path>());
    let git = git.map_err(|source| match source.code() {
        ErrorCode::NotFound => OpenError::NotGit(path.into()),
        ErrorCode::Owner => OpenError::Owner(path.into()),
        _ => OpenError::Git { path: path.into(), source },
    })?;
    if git.is_worktree() {
        return Err(OpenError::Linked(path.into()));
    }
    let Some(work_dir) = git.workdir() else { return Err(OpenError::Bare(path.into())) };
    let (work_dir, git_dir) = (absolute(work_dir)?, absolute(git.path())?);
    let location = Location { work_dir, git_dir, branch: branch_name(&git) };
    check_place(path, &location)?;
    check_format(&git, &location)?;
    Ok(location)
}

/// Folders that are written to, which may not lead anywhere else.
const FOLDERS: &[&str] =
    &["golive", "golive/hooks", "info", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/golive"];

/// What is written has to get into this repository and no other place.
fn check_place(path: &Path, location: &Location) -> Result<(), OpenError> {
    let path_given = absolute(path)?;
    if location.work_dir != path_given && location.git_dir != path_given {
        return Err(OpenError::Elsewhere { path: path.into(), work_dir: location.work_dir.clone() });
    }
    let folders = FOLDERS.iter().map(|folder| location.git_dir.join(folder));
    match folders.into_iter().find(|folder| folder.is_symlink()) {
        Some(folder) => Err(OpenError::Link(folder)),
        None => Ok(()),
    }
}

/// Returns the name of the branch that is the truth.
pub(super) fn branch_name(git: &Repository) -> String {
    let name = git.config().and_then(|config| config.get_string("golive.branch"));
    name.unwrap_or_else(|_| "main".into())
}

fn check_format(git: &Repository, location: &Location) -> Result<(), OpenError> {
    let (path, branch) = (location.work_dir.clone(), location.branch.clone());
    // A name that leads nowhere, or to an object that cannot be read.
    let Ok(tip) = git.refname_to_id(&location.branch_ref()) else {
        return Err(OpenError::NoBranch { path, branch });
    };
    let tree = git.find_commit(tip).and_then(|commit| commit.tree());
    let tree = tree.map_err(|source| OpenError::of_objects(&path, source))?;
    match format_of(git, &tree) {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(OpenError::Format { path, found }),
        // A commit that took the mark away does not make the record another one.
        None if was_golive(git) => Ok(()),
        None => Err(OpenError::NotGolive { path, branch }),
    }
}

fn format_of(git: &Repository, root: &git2::Tree<'_>) -> Option<u64> {
    let blob = git.find_blob(root.get_name(MARK)?.id()).ok()?;
    parse::format(blob.content())
}

/// Returns whether a golive served this repository before.
fn was_golive(git: &Repository) -> bool {
    super::served::read(git).is_some() || git.refname_to_id(MIRRORED_REF).is_ok()
}

/// What is wrong with a repository whose mark is gone.
pub(super) fn mark_fault() -> Fault {
    let repair =
        "put it back as it was: `git log -- golive.yaml` shows when, `git checkout COMMIT -- golive.yaml` does";
    Fault::new(Rule::Deleted, "`golive.yaml` does not say `golive: 1` any more", repair)
}

fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    fs::canonicalize(path).map_err(|source| OpenError::Io { path: path.into(), source })
}

/// Creates a reports repository at `path`, which must not exist or be empty.
///
/// It is built in a folder inside `path`, so that a volume can be used, and its
/// `.git` is moved into place last, so that a crash leaves all or nothing; what
/// it leaves does not stop the next try.
///
/// # Errors
/// [`OpenError::NotEmpty`], or the file system's.
pub fn create(path: &Path) -> Result<(), OpenError> {
    let path = &full(path);
    if !can_create(path) {
        return Err(OpenError::NotEmpty(path.clone()));
    }
    let built = try_create(path);
    built.map_err(|error| match error {
        // Somebody else was faster.
        BuildError::Io(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => OpenError::NotEmpty(path.clone()),
        BuildError::Io(source) => OpenError::Io { path: path.clone(), source },
        BuildError::Git(source) => OpenError::Git { path: path.clone(), source },
    })
}

/// Returns whether there is nothing at `path`, or only what [`create`] put there
/// before it was cut off.
pub fn can_create(path: &Path) -> bool {
    let is_own = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_template = |(file, content): &(&str, &str)| {
            // To read from a pipe of that name would take for ever.
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            *file == name && is_file && fs::read(entry.path()).is_ok_and(|bytes| bytes == content.as_bytes())
        };
        name.starts_with(DRAFT_PREFIX) || name == "lost+found" || template::FILES.iter().any(is_template)
    };
    match fs::read_dir(path) {
        Ok(mut entries) => entries.all(|entry| entry.is_ok_and(is_own)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Followed by the id of the process that builds there.
pub(super) const DRAFT_PREFIX: &str = ".golive-new-";

fn try_create(path: &Path) -> Result<(), BuildError> {
    let known = path.ancestors().find(|folder| folder.exists()).unwrap_or(path).to_path_buf();
    fs::create_dir_all(path)?;
    for entry in fs::read_dir(path)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix(DRAFT_PREFIX) else { continue };
        if !Path::new("/proc").join(process).exists() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    let draft = path.join(format!("{DRAFT_PREFIX}{}", std::process::id()));
    let built = build(&draft).and_then(|()| {
        failpoint!("create.built");
        for (name, _) in template::FILES {
            fs::rename(draft.join(name), path.join(name))?;
            failpoint!("create.laid-out");
        }
        fs::rename(draft.join(".git"), path.join(".git"))?;
        failpoint!("create.placed");
        // Up to the folder that was there before, which holds the name of the next.
        for folder in path.ancestors() {
            File::open(folder)?.sync_all()?;
            if folder == known {
                break;
            }
        }
        Ok(())
    });
    let _ = fs::remove_dir_all(&draft);
    built
}

/// Returns `path` from the root on: git's advice needs it, and so does a reader
/// who does not know where the service was started.
fn full(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.into())
}

#[derive(thiserror::Error, Debug)]
enum BuildError {
    #[error(transparent)]
    Git(#[from] git2::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a reports repository is configured with, and why.
const SETTINGS: &[(&str, &str)] = &[
    ("golive.branch", "main"),
    // Bytes are kept as they are, on every platform.
    ("core.autocrlf", "false"),
    // Git's own writes (a commit by hand, a push) are as durable as the service's.
    ("core.fsync", "all"),
    // Upkeep is the service's, at a time of its choosing.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // History only grows, and what comes in is whole.
    ("receive.denyNonFastForwards", "true"),
    ("receive.denyDeletes", "true"),
    ("receive.fsckObjects", "true"),
    // A push is read before it can be checked; its disk is everybody's.
    ("receive.maxInputSize", "256m"),
    // The service brings the work tree forward after a push.
    ("receive.denyCurrentBranch", "ignore"),
    ("transfer.hideRefs", "refs/golive"),
];

/// Adds those settings that are not there: a clone that is served has none of them.
pub(super) fn complete_settings(local: &mut Config) -> Result<(), git2::Error> {
    for (name, value) in SETTINGS {
        if local.get_string(name).is_err_and(|error| error.code() == ErrorCode::NotFound) {
            local.set_str(name, value)?;
        }
    }
    Ok(())
}

fn build(draft: &Path) -> Result<(), BuildError> {
    let mut options = RepositoryInitOptions::new();
    options.no_reinit(true).mkpath(true).external_template(false).initial_head("main");
    let git = Repository::init_opts(draft, &options)?;
    failpoint!("create.begun");
    let mut config = git.config()?.open_level(git2::ConfigLevel::Local)?;
    for (name, value) in SETTINGS {
        config.set_str(name, value)?;
    }
    let mut objects = Vec::new();
    let mut builder = git.treebuilder(None)?;
    for (name, content) in template::FILES {
        fs::write(draft.join(name), content)?;
        objects.push(Object::new(Kind::Blob, content.as_bytes()));
    }
    pack::write(&git.path().join("objects/pack"), &objects)?;
    for ((name, _), object) in template::FILES.iter().zip(&objects) {
        builder.insert(name, object.id, 0o100_644)?;
    }
    let tree = builder.write()?;
    let commit =
        message::commit(tree, None, &Identity::service(), Utc::now(), Utc::now(), "Start the reports repository\n");
    let commit = Object::new(Kind::Commit, &commit);
    let tip: Oid = commit.id;
    pack::write(&git.path().join("objects/pack"), &[commit])?;
    failpoint!("create.packed");
    fs::write(git.path().join("refs/heads/main"), format!("{tip}\n"))?;
    failpoint!("create.pointed");
    git.reference(MIRRORED_REF, tip, true, "mirrored")?;
    let mut index = git.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    failpoint!("create.unsynced", io);
    sync_all(draft)
}

/// Syncs every file and folder below `folder`, and `folder` itself.
fn sync_all(folder: &Path) -> Result<(), BuildError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    Ok(File::open(folder)?.sync_all()?)
}
