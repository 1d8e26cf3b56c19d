//! The reports that a run knows: the service's ids, each with the key of its text.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::args::{Call, Run};

#[derive(Clone)]
pub struct Known {
    pub id: String,
    pub key: u64,
}

pub struct Reports(Vec<Known>);

impl Reports {
    /// Reads the file of ids.
    pub fn read(run: &Run) -> Result<Self, String> {
        let text = run.ids.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let parse = |line: &str| {
            let (id, key) = line.split_once(' ')?;
            Some(Known { id: id.to_owned(), key: key.parse().ok()? })
        };
        let known: Option<Vec<_>> = text.lines().map(parse).collect();
        let known = known.ok_or("a line of --ids is not `ID KEY`")?;
        let needed = matches!(run.call, Call::Get | Call::Patch | Call::Mix | Call::History);
        if needed && known.is_empty() {
            return Err("this call needs --ids with at least one report; send some with `--call post` first".into());
        }
        Ok(Self(known))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn at(&self, position: usize) -> &Known {
        &self.0[position % self.0.len()]
    }

    /// How many are decided on. The last ones are left, so that a page of undecided
    /// ones stays full.
    pub fn n_decidable(&self) -> usize {
        self.len() - 100.min(self.len() / 2)
    }
}

/// Appends new reports to the file of ids.
pub fn append(path: &Path, created: &[Known]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    let lines: String = created.iter().map(|known| format!("{} {}\n", known.id, known.key)).collect();
    file.write_all(lines.as_bytes())
}
