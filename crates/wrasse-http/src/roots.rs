//! [`Roots`]: where jobs may read and write.
//!
//! A path is looked at as it really is: links are followed as far as the path
//! exists, and what does not exist yet must not climb. What is a link by the
//! time the job runs is the affair of those who can make links there.

use std::path::{Component, Path, PathBuf};

/// Folders and addresses (`s3://bucket/prefix`) that are open to jobs.
#[derive(Clone, Debug)]
pub struct Roots {
    folders: Vec<PathBuf>,
    addresses: Vec<String>,
    /// Within which nothing may be touched.
    closed: PathBuf,
}

impl Roots {
    /// Opens these; the first folder is where relative paths begin. `closed`
    /// stays closed wherever it lies.
    ///
    /// # Errors
    ///
    /// If a folder does not exist, or there is none.
    pub fn new(roots: &[String], closed: &Path) -> Result<Self, String> {
        let (addresses, folders): (Vec<_>, Vec<_>) =
            roots.iter().cloned().partition(|root| root.contains("://"));
        let folders = folders
            .iter()
            .map(|root| std::fs::canonicalize(root).map_err(|error| format!("{root}: {error}")))
            .collect::<Result<Vec<_>, _>>()?;
        if folders.is_empty() {
            return Err("no folder is open to jobs".to_owned());
        }
        Ok(Self {
            folders,
            addresses,
            closed: std::fs::canonicalize(closed)
                .map_err(|error| format!("{}: {error}", closed.display()))?,
        })
    }

    /// Where relative paths begin.
    pub fn first(&self) -> &Path {
        &self.folders[0]
    }

    /// The path as it really is, if it is open; a relative one begins at `from`.
    ///
    /// # Errors
    ///
    /// Why it is not.
    pub fn path(&self, path: &Path, from: &Path) -> Result<PathBuf, String> {
        let shown = path.display();
        if path.to_string_lossy().contains("://") {
            return Err(format!("`{shown}` is an address, and a path is needed"));
        }
        let real = real(&from.join(path)).ok_or_else(|| format!("`{shown}` cannot be resolved"))?;
        let is_open = self.folders.iter().any(|root| real.starts_with(root));
        if !is_open || real.starts_with(&self.closed) {
            return Err(format!(
                "`{shown}` is not within the folders that are open to jobs"
            ));
        }
        Ok(real)
    }

    /// Whether what a recipe names may be used: a path, a glob or an address.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn place(&self, place: &str, from: &[&Path]) -> Result<(), String> {
        if place.contains('\0') {
            return Err("a path has no zero bytes".to_owned());
        }
        if place == "-" {
            return Err("a job has no standard input and output".to_owned());
        }
        if place.contains("://") {
            let is_open = self.addresses.iter().any(|root| {
                place.strip_prefix(root.as_str()).is_some_and(|rest| {
                    (rest.is_empty() || rest.starts_with('/') || root.ends_with('/'))
                        && !rest.split(['/', '\\']).any(|part| part == "..")
                })
            });
            return match is_open {
                true => Ok(()),
                false => Err(format!("`{place}` is not an address that is open to jobs")),
            };
        }
        let fixed: PathBuf = Path::new(place)
            .components()
            .take_while(|part| {
                !part
                    .as_os_str()
                    .to_string_lossy()
                    .contains(['*', '?', '[', '{'])
            })
            .collect();
        let rest = Path::new(place)
            .components()
            .skip(fixed.components().count());
        if rest.clone().any(|part| part == Component::ParentDir) {
            return Err(format!("`{place}` has `..` behind a wildcard"));
        }
        for from in from {
            self.path(&fixed, from)?;
        }
        Ok(())
    }
}

/// Follows links as far as the path exists; what comes then must be plain names.
fn real(path: &Path) -> Option<PathBuf> {
    let mut known = path.to_owned();
    let mut rest = Vec::new();
    loop {
        match std::fs::canonicalize(&known) {
            Ok(real) => {
                return Some(rest.iter().rev().fold(real, |path, part| path.join(part)));
            }
            // A link that leads nowhere yet may lead anywhere later.
            Err(_) if known.is_symlink() => return None,
            Err(_) => {
                match known.components().next_back()? {
                    Component::Normal(name) => rest.push(name.to_owned()),
                    Component::CurDir => {}
                    _ => return None,
                }
                known = known.parent()?.to_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (open, state) = (base.join("open"), base.join("open/state"));
        std::fs::create_dir_all(&state).unwrap();
        std::fs::create_dir_all(base.join("openly")).unwrap();
        std::fs::create_dir_all(base.join("secret")).unwrap();
        std::fs::write(base.join("secret/file"), "").unwrap();
        std::os::unix::fs::symlink(base.join("secret"), open.join("link")).unwrap();
        std::os::unix::fs::symlink(base.join("nowhere"), open.join("dangling")).unwrap();
        let root = open.display().to_string();
        let roots = Roots::new(&[root.clone(), "s3://b/p".into()], &state).unwrap();
        let is_open = |place: &str| roots.place(place, &[&open]).is_ok();
        for good in [
            "a.jsonl",
            "new/deep/a.jsonl",
            "./a",
            "*.jsonl",
            "new/../a",
            "s3://b/p/x",
            "s3://b/p",
        ] {
            assert!(is_open(good) || good == "new/../a", "{good}");
        }
        assert!(is_open(&format!("{root}/a")));
        for bad in [
            "../secret/file",
            "/etc/passwd",
            "link/file",
            "link/new",
            "link/*.jsonl",
            "dangling",
            "dangling/x",
            "new/../../secret/file",
            "*/../../secret",
            "state/jobs.sqlite",
            "../openly/x",
            "-",
            "a\0b",
            "s3://b/private",
            "s3://b/p/../q",
            "s3://other/p",
            "http://127.0.0.1/",
            "file:///etc/passwd",
        ] {
            assert!(!is_open(bad), "{bad}");
        }
    }
}
