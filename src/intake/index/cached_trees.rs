//! The trees that git's index remembers (`gitformat-index`, "Cache tree"), so that
//! `git status` and `git commit` need not look into folders where nothing changed.

/// Folders are no deeper than this.
const DEPTH_MAX: usize = 256;

/// Returns the extension `content` without the trees of folders that one of `changed`, which
/// is sorted, is in; `None` if it is broken.
pub(super) fn forget(content: &[u8], changed: &[&str]) -> Option<Vec<u8>> {
    let mut copy = Copy { rest: content, out: Vec::with_capacity(content.len()) };
    copy.folder(changed, 0, 0)?;
    copy.rest.is_empty().then_some(copy.out)
}

struct Copy<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
}

impl<'a> Copy<'a> {
    /// Copies a folder and those in it: its name and a zero, how many entries it has (-1: not
    /// known), how many folders, and its tree, if that is known. `changed` are below it, and
    /// their paths go on at `at`.
    fn folder(&mut self, changed: &[&str], at: usize, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        let name = self.until(0)?;
        // The first has no name: it is the whole work tree.
        let (changed, at) = if depth == 0 { (changed, 0) } else { (below(changed, at, name), at + name.len() + 1) };
        let n_entries = self.until(b' ')?;
        let n_folders = self.until(b'\n')?;
        let is_known = !n_entries.starts_with(b"-");
        let tree = self.take(if is_known { 20 } else { 0 })?;
        let stays = is_known && changed.is_empty();
        for part in [name, b"\0", if stays { n_entries } else { b"-1" }, b" ", n_folders, b"\n"] {
            self.out.extend_from_slice(part);
        }
        self.out.extend_from_slice(if stays { tree } else { b"" });
        let n_folders: usize = std::str::from_utf8(n_folders).ok()?.parse().ok()?;
        (0..n_folders).try_for_each(|_| self.folder(changed, at, depth + 1))
    }

    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let len = memchr::memchr(end, self.rest)?;
        let taken = self.take(len)?;
        self.take(1)?;
        Some(taken)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Returns those of `paths`, which are sorted and alike up to `at`, that go on with the folder `name`.
fn below<'p, 'a>(paths: &'p [&'a str], at: usize, name: &[u8]) -> &'p [&'a str] {
    // As if the folder's name had its slash, as the paths have it.
    let order = |path: &&str| {
        let rest = &path.as_bytes()[at..];
        let len = rest.len().min(name.len() + 1);
        rest[..len].iter().copied().cmp(name.iter().copied().chain([b'/']))
    };
    let start = paths.partition_point(|path| order(path).is_lt());
    let len = paths[start..].partition_point(|path| order(path).is_eq());
    &paths[start..start + len]
}
