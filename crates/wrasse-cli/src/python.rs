//! Python operators: which Python, and who is asked about a recipe's.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wrasse_op::{Answer, Asked, Outsiders, ParamError, Site};
use wrasse_pyhost::{Describer, Interpreter, Python, PythonSettings};

use crate::args::PythonArgs;

/// The variable that names the Python which this program was installed for.
const INSTALLED_FOR: &str = "WRASSE_PYTHON";

/// Asks Python about the operators of a recipe, and keeps what was needed for
/// that: the run needs it, too.
pub(crate) struct PythonSource<'a> {
    args: &'a PythonArgs,
    /// The recipe's file.
    file: &'a str,
    python: RefCell<Option<Arc<Python>>>,
}

impl<'a> PythonSource<'a> {
    pub(crate) fn new(args: &'a PythonArgs, file: &'a str) -> Self {
        Self {
            args,
            file,
            python: RefCell::new(None),
        }
    }

    /// The Python that was asked, if one was.
    pub(crate) fn into_python(self) -> Option<Arc<Python>> {
        self.python.into_inner()
    }

    /// Folders that paths of a recipe are relative to: the current one, as in
    /// Data-Juicer, then that of the recipe.
    fn bases(&self) -> Vec<PathBuf> {
        let current = std::env::current_dir().unwrap_or_else(|_| ".".into());
        let beside = Path::new(self.file)
            .parent()
            .map(|folder| current.join(folder));
        let mut bases = vec![current];
        bases.extend(beside.filter(|beside| self.file != "-" && !bases.contains(beside)));
        bases
    }

    /// The Python that operators run with; modules are looked for in `paths` first.
    fn python(&self, site: &Site, paths: Vec<PathBuf>) -> Result<Python, ParamError> {
        let settings = |cache| PythonSettings {
            interpreter: Interpreter::choose(
                self.args.python.as_deref(),
                site.python.as_deref(),
                |name| {
                    let own = self.args.own.as_ref().filter(|_| name == INSTALLED_FOR);
                    std::env::var_os(name).or_else(|| own.map(Into::into))
                },
            ),
            cache,
            paths: paths.clone(),
            strict: self.args.strict,
        };
        Python::new(settings(cache()))
            // A home may be closed for writing.
            .or_else(|_| Python::new(settings(std::env::temp_dir().join("wrasse-cache"))))
            .map_err(|error| {
                ParamError::contradiction(format!(
                    "the program of Python workers cannot be written: {error}"
                ))
            })
    }
}

impl Outsiders for PythonSource<'_> {
    fn ask(&self, site: &Site, steps: &[Asked]) -> Result<Vec<Answer>, ParamError> {
        let bases = self.bases();
        let in_bases = |path: &Path| {
            let found = bases.iter().map(|base| base.join(path));
            { found }
                .find(|path| path.exists())
                .unwrap_or_else(|| bases[0].join(path))
        };
        let named = self.args.operators.iter().cloned();
        let folders = named.chain(site.folders.iter().map(PathBuf::from));
        let python = self.python(site, bases.clone())?;
        let describer = Describer {
            python: Arc::new(python),
            folders: folders.map(|folder| in_bases(&folder)).collect(),
            customs: site
                .customs
                .iter()
                .map(|path| in_bases(Path::new(path)))
                .collect(),
            bases,
        };
        let answers = describer.ask(site, steps)?;
        *self.python.borrow_mut() = Some(describer.python);
        Ok(answers)
    }
}

/// Python without a recipe: `named`, else the usual one.
///
/// # Errors
///
/// If the program of its workers cannot be written.
pub(crate) fn alone(named: Option<&Path>) -> Result<Python, ParamError> {
    let args = PythonArgs {
        python: named.map(Path::to_owned),
        ..PythonArgs::default()
    };
    let source = PythonSource::new(&args, "-");
    source.python(&Site::default(), source.bases())
}

/// Where the worker's program is kept from run to run.
fn cache() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match (folder("XDG_CACHE_HOME"), folder("HOME")) {
        (Some(cache), _) => Path::new(&cache).join("wrasse"),
        (None, Some(home)) => Path::new(&home).join(".cache/wrasse"),
        (None, None) => std::env::temp_dir().join("wrasse-cache"),
    }
}
