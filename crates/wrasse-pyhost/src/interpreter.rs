//! [`Interpreter`]: which Python runs the operators.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A Python, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The program.
    pub program: PathBuf,
    /// Who named it, for messages.
    pub named_by: &'static str,
}

impl Interpreter {
    /// The Python that the user asks for, else the one that this program was
    /// installed for (`WRASSE_PYTHON`), else that of the active environment
    /// (`VIRTUAL_ENV`, `CONDA_PREFIX`), else the first `python3` that is found.
    /// `variable` reads the environment.
    pub fn choose(
        flag: Option<&Path>,
        recipe: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let named = |program: PathBuf, named_by| Self { program, named_by };
        if let Some(program) = flag {
            return named(program.to_owned(), "--python");
        }
        if let Some(program) = recipe {
            return named(program.into(), "the recipe");
        }
        if let Some(program) = variable("WRASSE_PYTHON").filter(|program| !program.is_empty()) {
            return named(program.into(), "WRASSE_PYTHON");
        }
        let environments = [
            ("VIRTUAL_ENV", "the active virtual environment"),
            ("CONDA_PREFIX", "the active Conda environment"),
        ];
        for (name, named_by) in environments {
            if let Some(folder) = variable(name).filter(|folder| !folder.is_empty()) {
                return named(Path::new(&folder).join("bin/python"), named_by);
            }
        }
        named("python3".into(), "the search path")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_recipe_environment_and_path_are_asked_in_this_order() {
        let active = |name: &str| (name == "VIRTUAL_ENV").then(|| OsString::from("/env"));
        let choose = |flag: Option<&str>, recipe| {
            Interpreter::choose(flag.map(Path::new), recipe, active).program
        };
        assert_eq!(choose(Some("p"), Some("q")), Path::new("p"));
        assert_eq!(choose(None, Some("q")), Path::new("q"));
        assert_eq!(choose(None, None), Path::new("/env/bin/python"));
        let nothing = Interpreter::choose(None, None, |_| None);
        assert_eq!(nothing.program, Path::new("python3"));
    }
}
