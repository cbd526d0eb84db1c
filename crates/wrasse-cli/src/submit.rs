//! `wrasse submit`: a run as a job of a Ray cluster.
//!
//! Ray Jobs are spoken to by Ray's own client, in Python: this process becomes
//! that one, with the arguments that it takes.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use wrasse_op::Catalog;

use crate::Exit;
use crate::args::{RaySubmitArgs, RecipeArgs};
use crate::backend::python;
use crate::failure::Failure;
use crate::load;

pub(crate) fn submit(args: &RaySubmitArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    // What is wrong with a recipe is better told before it travels.
    let recipe = RecipeArgs {
        recipe: args.recipe.clone(),
        ..RecipeArgs::default()
    };
    load::load(&recipe, catalog, true)?;
    let python = args.ray_python.clone().unwrap_or_else(python);
    let mut command = Command::new(&python);
    command.args(["-m", "wrasse.ray.jobs", "--address", &args.address]);
    if let Some(folder) = &args.working_dir {
        command.arg("--working-dir").arg(folder);
    }
    if args.ray_ship {
        command.arg("--ship");
    }
    if args.detach {
        command.arg("--detach");
    }
    command.arg(&args.recipe).args(&args.flags);
    let error = command.exec();
    Err(
        Failure::usage(format!("cannot start {}: {error}", python.display()))
            .with_hint("--ray-python names the Python that has wrasse[ray]"),
    )
}
