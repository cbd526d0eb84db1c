//! Finding DataMate's operator folders: by raw_id, in the folders that recipe and
//! command line name.
//!
//! Python looks for folders, too (`_folder` in `wrasse/worker/describe.py`), and the
//! two are not one, because they find other things. This one is needed before a task
//! can be read, also where no step needs Python, and takes what DataMate takes: a
//! folder with metadata, two levels down at the most, by its raw_id alone. That one
//! is asked for a step of any recipe that has no native operator, and takes any
//! package, however deep, by the folder's own name first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wrasse_recipe::{Source, operators_dirs, raw_id};

use crate::failure::{Failure, say};

/// Levels below a folder of operators: `mapper/my_cleaner` as DataMate has them.
const LEVELS: usize = 2;

/// The operator folders that a recipe may use, by raw_id.
///
/// # Errors
///
/// If a folder that was named cannot be listed.
pub(crate) fn folders(
    source: &Source,
    dirs: &[PathBuf],
) -> Result<BTreeMap<String, String>, Failure> {
    let named = operators_dirs(source)
        .into_iter()
        .map(|dir| beside(&dir, source.name()));
    let mut found = BTreeMap::new();
    for dir in dirs.iter().cloned().chain(named) {
        let listed = std::fs::read_dir(&dir);
        if let Err(error) = listed {
            let dir = dir.display();
            return Err(Failure::usage(format!(
                "cannot list the folder of operators {dir}: {error}"
            ))
            .with_hint("it is the folder that the operators' own folders lie in"));
        }
        let dir = dir.canonicalize().unwrap_or(dir);
        look(&dir, LEVELS, &mut found);
    }
    Ok(found)
}

/// Paths count from the current folder; one that is not there is looked for
/// beside the recipe.
fn beside(dir: &str, recipe: &str) -> PathBuf {
    let plain = PathBuf::from(dir);
    if plain.exists() {
        return plain;
    }
    let beside = Path::new(recipe).parent().map(|folder| folder.join(dir));
    beside.filter(|path| path.exists()).unwrap_or(plain)
}

fn look(folder: &Path, levels: usize, found: &mut BTreeMap<String, String>) {
    for name in ["metadata.yml", "metadata.yaml"] {
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
            continue;
        };
        let path = folder.to_string_lossy().into_owned();
        let Some(id) = raw_id(&text) else {
            say(&format!(
                "warning: {path}/{name} has no raw_id; the operator is passed over"
            ));
            return;
        };
        match found.get(&id) {
            Some(first) => say(&format!(
                "warning: `{id}` is in {first} and in {path}; the first is used"
            )),
            None => {
                found.insert(id, path);
            }
        }
        return;
    }
    if levels == 0 {
        return;
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        look(&folder, levels - 1, found);
    }
}
