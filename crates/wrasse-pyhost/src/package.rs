//! The worker's program: the Python package, which is part of this program, so
//! that both always fit together. It is laid down where Python finds it, and
//! stays there for the next run: compiled modules are kept beside it.

use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// Names, relative to the package's folder, and contents.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/package.rs"));

/// Lays the package down in a folder of its own below `cache`; the folder that
/// belongs on Python's search path.
///
/// # Errors
///
/// If it cannot be written there.
pub(crate) fn lay_down(cache: &Path) -> io::Result<PathBuf> {
    let folder = cache.join(format!("python-{:032x}", digest()));
    if is_whole(&folder) {
        return Ok(folder);
    }
    std::fs::create_dir_all(cache)?;
    let made = tempfile::Builder::new()
        .prefix("python-")
        .tempdir_in(cache)?;
    for (name, content) in FILES {
        let path = made.path().join("wrasse").join(name);
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
        Err(_) if is_whole(&folder) => Ok(folder),
        Err(_) => Ok(made.keep()),
    }
}

fn is_whole(folder: &Path) -> bool {
    FILES.iter().all(|(name, content)| {
        let found = std::fs::read(folder.join("wrasse").join(name));
        found.is_ok_and(|found| found == *content)
    })
}

fn digest() -> u128 {
    let mut hasher = Xxh3::new();
    for (name, content) in FILES {
        hasher.update(name.as_bytes());
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
        let first = lay_down(cache.path()).unwrap();
        assert!(first.join("wrasse/worker/__main__.py").is_file());
        assert_eq!(lay_down(cache.path()).unwrap(), first);
        std::fs::write(first.join("wrasse/sdk.py"), "changed").unwrap();
        let second = lay_down(cache.path()).unwrap();
        assert_ne!(second, first);
        assert!(is_whole(&second));
    }
}
