//! Text that is no recipe.

use expect_test::expect;

use crate::reads;

#[test]
fn empty_recipes_are_refused() {
    reads(
        r"",
        expect![[r#"
        recipe.yaml: error: the recipe is empty
        hint: a recipe names at least `dataset_path`, `process` and `export_path`
    "#]],
    );
    reads(
        r"# only a comment
",
        expect![[r#"
            recipe.yaml: error: the recipe is empty
            hint: a recipe names at least `dataset_path`, `process` and `export_path`
        "#]],
    );
    reads(
        r"---
",
        expect![[r#"
            recipe.yaml: error: the recipe is empty
            hint: a recipe names at least `dataset_path`, `process` and `export_path`
        "#]],
    );
    reads(
        r"null
",
        expect![[r#"
            recipe.yaml: error: the recipe is empty
            hint: a recipe names at least `dataset_path`, `process` and `export_path`
        "#]],
    );
}

#[test]
fn broken_yaml_is_refused_at_its_place() {
    reads(
        r"dataset_path: 'a.jsonl
",
        expect![[r#"
            recipe.yaml:1:15: error: this quote is never closed
              dataset_path: 'a.jsonl
                            ^
        "#]],
    );
    reads(
        r"a: 1
  b: 2
",
        expect![[r#"
            recipe.yaml:2:4: error: not valid YAML: mapping values are not allowed in this context
                b: 2
                 ^
            hint: compare the indentation of this line with that of the lines above
        "#]],
    );
    reads(
        r"dataset_path: [a, b
np: 2
",
        expect![[r#"
            recipe.yaml:2:3: error: not valid YAML: illegal placement of ':' indicator
              np: 2
                ^
            hint: a bracket or brace above may still be open
        "#]],
    );
    reads(
        r"dataset_path: *nowhere
",
        expect![[r#"
            recipe.yaml:1:15: error: this alias has no anchor above it
              dataset_path: *nowhere
                            ^
            hint: quote the value if it is text
        "#]],
    );
    reads(
        r"- a
- b
",
        expect![[r#"
            recipe.yaml:1:1: error: a recipe is a mapping (`key: value`), found a list
              - a
              ^
        "#]],
    );
    reads(
        r"just text
",
        expect![[r#"
            recipe.yaml:1:1: error: a recipe is a mapping (`key: value`), found `just text`
              just text
              ^^^^^^^^^
        "#]],
    );
    reads(
        r"? [a]
: b
",
        expect![[r#"
            recipe.yaml:1:3: error: a key is text, found a list
              ? [a]
                ^
        "#]],
    );
    reads(
        r"a: &a [*a]
",
        expect![[r#"
            recipe.yaml:1:8: error: an alias inside of what it names
              a: &a [*a]
                     ^^
        "#]],
    );
    reads(
        r"a: 1
---
b: 2
",
        expect![[r#"
            recipe.yaml:2:1: error: a recipe is one YAML document, and here starts another
              ---
              ^^^
            hint: remove the `---`, or put the second recipe into a file of its own
        "#]],
    );
}

#[test]
fn tabs_are_refused() {
    reads(
        r"process:
	- trim_mapper
",
        expect![[r#"
            recipe.yaml:2:1: error: a tab, where YAML takes only spaces
              	- trim_mapper
              ^
            hint: indent with two spaces
        "#]],
    );
    reads(
        r"dataset_path:	a.jsonl
",
        expect![[r#"
            recipe.yaml:1:14: error: a tab, where YAML takes only spaces
              dataset_path:	a.jsonl
                           ^
            hint: indent with two spaces
        "#]],
    );
    reads(
        r"process:
  - length_filter:
	  min_len: 1
",
        expect![[r#"
            recipe.yaml:3:1: error: a tab, where YAML takes only spaces
              	  min_len: 1
              ^
            hint: indent with two spaces
        "#]],
    );
}

#[test]
fn duplicate_keys_name_both_places() {
    reads(
        r"dataset_path: a
np: 1
dataset_path: b
np: 2
",
        expect![[r#"
            recipe.yaml:3:1: error: duplicate key `dataset_path`, first given at 1:1
              dataset_path: b
              ^^^^^^^^^^^^
            hint: keep one of them; of two equal keys most readers would silently drop the first
            recipe.yaml:4:1: error: duplicate key `np`, first given at 2:1
              np: 2
              ^^
            hint: keep one of them; of two equal keys most readers would silently drop the first
        "#]],
    );
    reads(
        r"dataset_path: a
process:
  - length_filter: {min_len: 1, max_len: 9, min_len: 2}
",
        expect![[r#"
            recipe.yaml:3:45: error: duplicate key `min_len`, first given at 3:21
                - length_filter: {min_len: 1, max_len: 9, min_len: 2}
                                                          ^^^^^^^
            hint: keep one of them; of two equal keys most readers would silently drop the first
        "#]],
    );
}

#[test]
fn tags_are_refused() {
    reads(
        r#"dataset_path: !!python/object/apply:os.system ["ls"]
"#,
        expect![[r#"
            recipe.yaml:1:15: error: the tag `!!python/object/apply:os.system` would run Python code
              dataset_path: !!python/object/apply:os.system ["ls"]
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: a recipe is data; write the value itself
        "#]],
    );
    reads(
        r"dataset_path: a
np: !!python/name:os.system
limit: !mine 5
memory: !!binary aGk=
",
        expect![[r#"
            recipe.yaml:2:5: error: the tag `!!python/name:os.system` would run Python code
              np: !!python/name:os.system
                  ^^^^^^^^^^^^^^^^^^^^^^^
            hint: a recipe is data; write the value itself
            recipe.yaml:3:8: error: the tag `!mine` has no meaning in a recipe
              limit: !mine 5
                     ^^^^^
            hint: remove it, or quote the value if it is text
            recipe.yaml:4:9: error: the tag `!!binary` has no meaning in a recipe
              memory: !!binary aGk=
                      ^^^^^^^^
            hint: remove it, or quote the value if it is text
            recipe.yaml:4:9: error: `memory`: `aGk=` is not a size; expected a number with a unit, such as `512MiB` or `2GB`
              memory: !!binary aGk=
                      ^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn wide_and_hostile_characters_do_not_move_the_carets() {
    reads(
        r#"dataset_path: 数据
process: [数据, "\e[31mred"]
"#,
        expect![[r#"
            recipe.yaml:2:11: error: unknown operator `数据`
              process: [数据, "\e[31mred"]
                        ^^^^
            hint: `wrasse ops` lists all
            recipe.yaml:2:15: error: unknown operator `�[31mred`
              process: [数据, "\e[31mred"]
                              ^^^^^^^^^^^
            hint: `wrasse ops` lists all
        "#]],
    );
    reads(
        r"dataset_path: a
process: [trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, x, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, ]
",
        expect![[r#"
            recipe.yaml:2:167: error: unknown operator `x`
              …mapper, trim_mapper, trim_mapper, trim_mapper, trim_mapper, x, trim_mapper, trim_mapper, trim_mapper, trim_mapper, trim_…
                                                                           ^
            hint: `wrasse ops` lists all
        "#]],
    );
}
