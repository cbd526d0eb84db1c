//! The worker's program: the Python package, which is part of this program, so
//! that both always fit together. It is laid down where Python finds it, and
//! stays there for the next run: compiled modules are kept beside it.

use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// Names, relative to the package's folder, and contents.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/package.rs"));

/// Lays the package down; the folder that belongs on Python's search path.
///
/// # Errors
///
/// If it cannot be written there.
pub(crate) fn lay_down_package(cache: &Path) -> io::Result<PathBuf> {
    let paths: Vec<PathBuf> = FILES
        .iter()
        .map(|(name, _)| Path::new("wrasse").join(name))
        .collect();
    let contents = FILES.iter().map(|(_, content)| *content);
    lay_down(
        cache,
        "python",
        paths.iter().map(PathBuf::as_path).zip(contents),
    )
}

/// Lays files down in a folder of their own below `cache`, whose name begins with
/// `kind`; the folder. The same files are laid down once.
///
/// # Errors
///
/// If they cannot be written there.
pub fn lay_down<'a>(
    cache: &Path,
    kind: &str,
    files: impl Iterator<Item = (&'a Path, &'a [u8])> + Clone,
) -> io::Result<PathBuf> {
    let folder = cache.join(format!("{kind}-{:032x}", digest(files.clone())));
    if is_whole(&folder, files.clone()) {
        return Ok(folder);
    }
    std::fs::create_dir_all(cache)?;
    let made = tempfile::Builder::new()
        .prefix(&format!("{kind}-"))
        .tempdir_in(cache)?;
    for (name, content) in files.clone() {
        let path = made.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    match std::fs::rename(made.path(), &folder) {
        Ok(()) => {
            // It has another name now; there is nothing to remove.
            let _ = made.keep();
            Ok(folder)
        }
        // Another run was faster, or somebody has changed what is there.
        Err(_) if is_whole(&folder, files) => Ok(folder),
        Err(_) => Ok(made.keep()),
    }
}

fn is_whole<'a>(folder: &Path, mut files: impl Iterator<Item = (&'a Path, &'a [u8])>) -> bool {
    files.all(|(name, content)| {
        let found = std::fs::read(folder.join(name));
        found.is_ok_and(|found| found == content)
    })
}

fn digest<'a>(files: impl Iterator<Item = (&'a Path, &'a [u8])>) -> u128 {
    let mut hasher = Xxh3::new();
    for (name, content) in files {
        let name = name.as_os_str().as_encoded_bytes();
        // Lengths keep what is of one file from counting as another's.
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update(&(content.len() as u64).to_le_bytes());
        hasher.update(content);
    }
    hasher.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_laid_down_once_and_again_when_it_was_changed() {
        let cache = tempfile::tempdir().unwrap();
        let first = lay_down_package(cache.path()).unwrap();
        assert!(first.join("wrasse/worker/__main__.py").is_file());
        assert_eq!(lay_down_package(cache.path()).unwrap(), first);
        std::fs::write(first.join("wrasse/sdk.py"), "changed").unwrap();
        let second = lay_down_package(cache.path()).unwrap();
        assert_ne!(second, first);
        assert!(second.join("wrasse/sdk.py").is_file());
        assert_ne!(
            std::fs::read(second.join("wrasse/sdk.py")).unwrap(),
            b"changed"
        );
    }
}
