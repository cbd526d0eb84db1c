//! What is wrong with a recipe, as a person reads it.

mod keys;
mod overrides;
mod params;
mod steps;
#[expect(dead_code, reason = "shared by several tests")]
#[path = "../support/mod.rs"]
mod support;
mod yaml;

use expect_test::Expect;
use wrasse_recipe::Source;

use support::rendered;

fn reads(recipe: &str, expect: Expect) {
    expect.assert_eq(&rendered(&Source::new("recipe.yaml", recipe.as_bytes())));
}
