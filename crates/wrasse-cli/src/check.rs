//! `wrasse check`.

use serde_json::json;
use wrasse_op::Catalog;
use wrasse_recipe::Diagnostic;

use crate::Exit;
use crate::args::{CheckArgs, ReportForm};
use crate::failure::{Failure, print, say};
use crate::load::{Understood, checked, wrong};

pub(crate) fn check(args: &CheckArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let Understood {
        source, checked, ..
    } = checked(&args.recipe, catalog)?;
    match args.format {
        ReportForm::Json => {
            let findings: Vec<_> = checked.diagnostics.iter().map(Diagnostic::json).collect();
            print(&format!("{:#}\n", json!({ "findings": findings })))?;
        }
        ReportForm::Text => {
            for finding in &checked.diagnostics {
                say(finding.render(&source).trim_end());
            }
        }
    }
    match &checked.recipe {
        Some(recipe) => {
            if args.format == ReportForm::Text {
                let n = recipe.steps.len();
                say(&format!(
                    "{}: {n} step{}, no errors",
                    args.recipe.recipe,
                    if n == 1 { "" } else { "s" }
                ));
            }
            Ok(Exit::Done)
        }
        None => Err(wrong(&args.recipe, &checked.diagnostics)),
    }
}
