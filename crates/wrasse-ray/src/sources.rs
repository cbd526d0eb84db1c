//! [`Sources`]: the files of Python's operators, for nodes that lack them.
//!
//! A recipe names operators by paths, which are those of the driver. What lies
//! there travels with the run, and is laid down where a node has something else
//! or nothing at a path: under a folder of its own, in which the paths are the
//! same. A node that has the same files uses its own.
//!
//! | a reference to | takes along |
//! |---|---|
//! | a folder | all in it |
//! | a file | it, and the modules and packages beside it, which it may import |
//! | a module | its file or package, if a folder that is searched first has it |
//! | what is installed | nothing |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wrasse_op::Outside;
use wrasse_pyhost::lay_down;

/// Files by their whole paths on the driver's machine.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sources(BTreeMap<PathBuf, Vec<u8>>);

/// Bytes that travel at the most: a model is to be installed on the nodes.
const BYTES_MAX: u64 = 64 << 20;

/// Folders within one another: more are a loop of mounts, and no package.
const DEPTH_MAX: usize = 32;

/// There is more than travels: so many bytes up to this path.
#[derive(Debug, PartialEq)]
pub(crate) struct TooLarge(pub(crate) PathBuf);

impl Sources {
    /// Reads what these operators are made of. `paths` are the folders in which
    /// modules are looked for first.
    pub(crate) fn of<'a>(
        operators: impl Iterator<Item = &'a Outside>,
        paths: &[PathBuf],
    ) -> Result<Self, TooLarge> {
        let mut found = Found::default();
        for outside in operators {
            let place = place(&outside.reference);
            let path = Path::new(place);
            if path.is_absolute() && path.is_dir() {
                found.folder(path, &|_| true, DEPTH_MAX)?;
            } else if path.is_absolute() && has_suffix(path, "py") {
                found.file(path)?;
                found.modules(path.parent().unwrap_or(path))?;
            } else if path.is_absolute() {
                found.file(path)?;
                // Where functions by value look for their modules.
                found.file(&path.with_extension("paths"))?;
            } else if let Some(name) = place.split('.').next() {
                for base in paths.iter().filter(|_| !name.is_empty()) {
                    found.file(&base.join(name).with_extension("py"))?;
                    found.package(&base.join(name), DEPTH_MAX)?;
                }
            }
        }
        Ok(Self(found.files))
    }

    /// Where they are to be found on this machine: below the folder that is
    /// returned, laid down in `cache`; under their own paths, if none is.
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub(crate) fn here(&self, cache: &Path) -> std::io::Result<Option<PathBuf>> {
        let is_same = |(path, content): (&PathBuf, &Vec<u8>)| {
            std::fs::read(path).is_ok_and(|f| f == *content)
        };
        if self.0.iter().all(is_same) {
            return Ok(None);
        }
        let files = self.0.iter().map(|(path, content)| {
            // A path in a folder must not begin at the root.
            (path.strip_prefix("/").unwrap_or(path), content.as_slice())
        });
        lay_down(cache, "operators", files).map(Some)
    }
}

/// A path of the driver's machine, below the folder in which the files are.
pub(crate) fn below(folder: &Path, path: &str) -> String {
    match path.strip_prefix('/') {
        Some(path) => folder.join(path).to_string_lossy().into_owned(),
        None => path.to_owned(),
    }
}

/// A reference without the name of the operator.
fn place(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((place, name)) if !name.contains('/') => place,
        _ => reference,
    }
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.extension().is_some_and(|found| found == suffix)
}

#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, Vec<u8>>,
    bytes: u64,
}

impl Found {
    /// Takes a file along, if it is there and can be read.
    fn file(&mut self, path: &Path) -> Result<(), TooLarge> {
        // A path that is no text cannot be sent.
        if self.files.contains_key(path) || path.to_str().is_none() {
            return Ok(());
        }
        let Ok(about) = std::fs::metadata(path) else {
            return Ok(());
        };
        if !about.is_file() {
            return Ok(());
        }
        self.bytes += about.len();
        if self.bytes > BYTES_MAX {
            return Err(TooLarge(path.to_owned()));
        }
        if let Ok(content) = std::fs::read(path) {
            self.files.insert(path.to_owned(), content);
        }
        Ok(())
    }

    /// Takes the files of a folder along that are wanted, however deep.
    fn folder(
        &mut self,
        folder: &Path,
        wanted: &dyn Fn(&Path) -> bool,
        depth: usize,
    ) -> Result<(), TooLarge> {
        for (path, is_folder) in entries(folder) {
            if is_folder && depth > 0 {
                self.folder(&path, wanted, depth - 1)?;
            } else if !is_folder && wanted(&path) {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    /// Takes along what can be imported from a folder: a recipe may lie there
    /// with its data, which is left.
    fn modules(&mut self, folder: &Path) -> Result<(), TooLarge> {
        for (path, is_folder) in entries(folder) {
            if is_folder {
                self.package(&path, DEPTH_MAX)?;
            } else if has_suffix(&path, "py") {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    /// Takes a package along, if it is one.
    fn package(&mut self, folder: &Path, depth: usize) -> Result<(), TooLarge> {
        match folder.join("__init__.py").is_file() {
            true => self.folder(folder, &|_| true, depth),
            false => Ok(()),
        }
    }
}

/// What is in a folder, but for what is hidden or compiled: paths, and whether
/// they are folders. Links to folders are not followed.
fn entries(folder: &Path) -> Vec<(PathBuf, bool)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.') && name != "__pycache__"
        })
        .filter_map(|entry| Some((entry.path(), entry.file_type().ok()?.is_dir())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(reference: String) -> Outside {
        Outside {
            reference,
            params: serde_json::Map::new(),
            code: String::new(),
            pool: wrasse_op::PoolParams::default(),
        }
    }

    #[test]
    fn what_operators_are_made_of_travels_and_is_laid_down_where_it_is_not() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for name in [
            "job/ops.py",
            "job/helper.py",
            "job/kit/__init__.py",
            "job/kit/words.txt",
            "job/in/data.jsonl",
            "job/__pycache__/ops.pyc",
            "cleaner/__init__.py",
            "cleaner/model/weights.bin",
            "cleaner/.git/config",
            "base/mods/__init__.py",
            "base/other.py",
        ] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), name).unwrap();
        }
        let references = [
            format!("{}:Upper", at("job/ops.py").display()),
            at("cleaner").display().to_string(),
            "mods.sub:Lower".to_owned(),
            "data_juicer:whitespace_normalization_mapper".to_owned(),
        ]
        .map(outside);
        let sources = Sources::of(references.iter(), &[at("base")]).unwrap();
        let names: Vec<_> = sources.0.keys().cloned().collect();
        let expected = [
            "base/mods/__init__.py",
            "cleaner/__init__.py",
            "cleaner/model/weights.bin",
            "job/helper.py",
            "job/kit/__init__.py",
            "job/kit/words.txt",
            "job/ops.py",
        ];
        assert_eq!(names, expected.map(at));

        let cache = tempfile::tempdir().unwrap();
        assert_eq!(sources.here(cache.path()).unwrap(), None, "they are here");
        std::fs::remove_file(at("job/helper.py")).unwrap();
        let laid = sources.here(cache.path()).unwrap().unwrap();
        let there = below(&laid, at("job/helper.py").to_str().unwrap());
        assert_eq!(std::fs::read(there).unwrap(), b"job/helper.py");
        assert_eq!(below(&laid, "mods.sub:Lower"), "mods.sub:Lower");
        assert_eq!(sources.here(cache.path()).unwrap(), Some(laid), "once");
    }

    #[test]
    fn what_is_too_large_to_travel_is_told() {
        let home = tempfile::tempdir().unwrap();
        let model = home.path().join("model.bin");
        std::fs::File::create(&model)
            .and_then(|file| file.set_len(BYTES_MAX + 1))
            .unwrap();
        let found = Sources::of([outside(home.path().display().to_string())].iter(), &[]);
        assert_eq!(found, Err(TooLarge(model)));
    }
}
