//! Loading a recipe: from an argument to checked steps, with every finding told.

use std::io::Read as _;
use std::path::Path;

use wrasse_op::Catalog;
use wrasse_recipe::{Checked, Recipe, Severity, Source, check};

use crate::Exit;
use crate::args::RecipeArgs;
use crate::failure::{Failure, say};
use crate::operators;

/// The recipe's text with the changes of the command line.
pub(crate) fn source(args: &RecipeArgs) -> Result<Source, Failure> {
    let bytes = if args.recipe == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(&args.recipe)
    };
    match bytes {
        Ok(bytes) => {
            let source = Source::new(&args.recipe, &bytes).with_overrides(args.set.iter().cloned());
            let folders = operators::folders(&source, &args.operators_dir)?;
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

/// Loads a recipe; prints errors and warnings.
pub(crate) fn load(args: &RecipeArgs, catalog: &Catalog, quiet: bool) -> Result<Recipe, Failure> {
    let source = source(args)?;
    let Checked {
        recipe,
        diagnostics,
    } = check(&source, catalog);
    for finding in &diagnostics {
        if finding.severity == Severity::Error || !quiet {
            say(finding.render(&source).trim_end());
        }
    }
    recipe.ok_or_else(|| {
        let n = diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error)
            .count();
        Failure {
            message: format!(
                "{n} error{} in {}",
                if n == 1 { "" } else { "s" },
                args.recipe
            ),
            hint: Some("`wrasse check` tells the same without running anything".to_owned()),
            exit: Exit::Usage,
        }
    })
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
