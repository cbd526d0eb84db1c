//! What is set over a recipe.

use expect_test::{Expect, expect};
use wrasse_recipe::Source;

use crate::support::rendered;

#[test]
fn overrides_are_checked_like_the_recipe() {
    let recipe = r"dataset_path: a
process:
  - length_filter: {min_len: 5}
  - trim_mapper
  - trim_mapper:
";
    let sets = |one: &str, expect: Expect| {
        let source = Source::new("recipe.yaml", recipe.as_bytes()).with_overrides([one]);
        expect.assert_eq(&rendered(&source));
    };
    sets(
        "np=none",
        expect![[r#"
        --set: error: `np`: expected a whole number of at least 1, found `none`
          np=none
             ^^^^
    "#]],
    );
    sets(
        "process.0.length_filter.max_len=x",
        expect![[r#"
        --set: error: `max_len`: expected a whole number, found `x`
          process.0.length_filter.max_len=x
                                          ^
    "#]],
    );
    sets(
        "process.length_filter.max_len=2",
        expect![[r#"
        --set: error: `max_len`: is below min_len, 5
          process.length_filter.max_len=2
                                        ^
        hint: swap them
    "#]],
    );
    sets(
        "process.LengthOp.min_lenn=2",
        expect![[r#"
        --set: error: unknown parameter `min_lenn` of `length_filter`
          process.LengthOp.min_lenn=2
                           ^^^^^^^^
        hint: did you mean `min_len`?
    "#]],
    );
    sets(
        "process.5.trim_mapper.x=1",
        expect![[r#"
        --set: error: there is no item 5 in a list of 3
          process.5.trim_mapper.x=1
                  ^
        hint: items are numbered from 0
    "#]],
    );
    sets(
        "process.trim_mapper.text_key=a",
        expect![[r#"
        --set: error: 2 steps are called `trim_mapper`
          process.trim_mapper.text_key=a
                  ^^^^^^^^^^^
        hint: say which by its number: `process.1.trim_mapper`
    "#]],
    );
    sets(
        "process.triim_mapper.text_key=a",
        expect![[r#"
        --set: error: no step is called `triim_mapper`
          process.triim_mapper.text_key=a
                  ^^^^^^^^^^^^
        hint: did you mean `trim_mapper`?
    "#]],
    );
    sets(
        "dataset_path.x=1",
        expect![[r#"
        --set: error: `x` cannot be set in `a`, which is a single value
          dataset_path.x=1
                       ^
    "#]],
    );
    sets(
        "=5",
        expect![[r#"
        --set: error: an override is `key=value`
          =5
          ^^
        hint: for example `--set process.0.text_length_filter.max_len=5000`
    "#]],
    );
    sets(
        "np",
        expect![[r#"
        --set: error: an override is `key=value`
          np
          ^^
        hint: for example `--set process.0.text_length_filter.max_len=5000`
    "#]],
    );
    sets(
        "a..b=5",
        expect![[r#"
        --set: error: an empty part in the path of an override
          a..b=5
            ^
    "#]],
    );
    sets(
        "np=[1",
        expect![[r#"
        --set: error: not valid YAML: while parsing a flow sequence, expected ',' or ']'
          np=[1
               ^
    "#]],
    );
    sets(
        "memory: 5GiB=3",
        expect![[r#"
        --set: error: unknown key `memory: 5GiB`
          memory: 5GiB=3
          ^^^^^^^^^^^^
    "#]],
    );
    sets(
        "process.0.max_len=7",
        expect![[r#"
        --set: error: a step has one operator, found 2 keys
          process.0.max_len=7
                    ^^^^^^^
        hint: a parameter is set below its operator: `length_filter.max_len`
    "#]],
    );
    sets(
        "np=*x",
        expect![[r#"
        --set: error: this alias has no anchor above it
          np=*x
             ^
        hint: quote the value if it is text
    "#]],
    );
    sets(
        "np=!!python/none",
        expect![[r#"
        --set: error: the tag `!!python/none` would run Python code
          np=!!python/none
             ^^^^^^^^^^^^^
        hint: a recipe is data; write the value itself
    "#]],
    );
    sets("np=", expect![[""]]);
}
