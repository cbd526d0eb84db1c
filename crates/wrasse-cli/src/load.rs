//! Loading a recipe: from an argument to checked steps, with every finding told.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use wrasse_op::Catalog;
use wrasse_pyhost::Python;
use wrasse_recipe::{Checked, Diagnostic, Recipe, Severity, Source, check_with};

use crate::args::RecipeArgs;
use crate::failure::{Failure, say};
use crate::operators;
use crate::python::PythonSource;

/// The recipe's text with the changes of the command line.
pub(crate) fn source(args: &RecipeArgs) -> Result<Source, Failure> {
    let bytes = if let Some(text) = &args.text {
        Ok(text.clone())
    } else if args.recipe == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(&args.recipe)
    };
    match bytes {
        Ok(bytes) => {
            let source = Source::new(&args.recipe, &bytes).with_overrides(args.set.iter().cloned());
            let folders = operators::folders(&source, &args.python.operators)?;
            Ok(source.with_folders(folders))
        }
        Err(error) => {
            let failure =
                Failure::usage(format!("cannot read the recipe {}: {error}", args.recipe));
            Err(match nearby_recipe(Path::new(&args.recipe)) {
                Some(found) => failure.with_hint(format!("did you mean {found}?")),
                None => failure,
            })
        }
    }
}

/// A recipe, ready to run.
pub(crate) struct Loaded {
    pub(crate) recipe: Recipe,
    /// What runs its Python operators, if it has any.
    pub(crate) python: Option<Arc<Python>>,
}

/// A recipe as far as it can be understood.
pub(crate) struct Understood {
    pub(crate) source: Source,
    /// The recipe, with all that is to be said of it.
    pub(crate) checked: Checked,
    /// What runs its Python operators, if it has any.
    pub(crate) python: Option<Arc<Python>>,
}

/// Reads and checks a recipe.
pub(crate) fn checked(args: &RecipeArgs, catalog: &Catalog) -> Result<Understood, Failure> {
    let source = source(args)?;
    let outsiders = PythonSource::new(&args.python, &args.recipe);
    let checked = check_with(&source, catalog, &outsiders);
    Ok(Understood {
        source,
        checked,
        python: outsiders.into_python(),
    })
}

/// Loads a recipe; prints errors and warnings.
pub(crate) fn load(args: &RecipeArgs, catalog: &Catalog, quiet: bool) -> Result<Loaded, Failure> {
    let Understood {
        source,
        checked,
        python,
    } = checked(args, catalog)?;
    let Checked {
        recipe,
        diagnostics,
    } = checked;
    for finding in &diagnostics {
        if finding.severity == Severity::Error || !quiet {
            say(finding.render(&source).trim_end());
        }
    }
    recipe
        .map(|recipe| Loaded { recipe, python })
        .ok_or_else(|| {
            wrong(args, &diagnostics)
                .with_hint("`wrasse check` tells the same without running anything")
        })
}

/// A recipe that cannot run, for what was told of it.
pub(crate) fn wrong(args: &RecipeArgs, diagnostics: &[Diagnostic]) -> Failure {
    let n = diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .count();
    let plural = if n == 1 { "" } else { "s" };
    Failure::usage(format!("{n} error{plural} in {}", args.recipe))
}

/// A YAML file in the place where none was found.
fn nearby_recipe(path: &Path) -> Option<String> {
    let folder = if path.is_dir() { path } else { path.parent()? };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "yaml" || end == "yml")
        })
        .collect();
    names.sort();
    names.first().map(|path| path.display().to_string())
}
