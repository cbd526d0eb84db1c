//! What is wrong with a recipe, as a person reads it.

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use expect_test::{Expect, expect};
use wrasse_recipe::Source;

use support::rendered;

fn reads(recipe: &str, expect: Expect) {
    expect.assert_eq(&rendered(&Source::new("recipe.yaml", recipe.as_bytes())));
}

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
fn unknown_keys_are_refused() {
    reads(
        r"dataset_pth: a
export-path: b
zzzzzz: 1
input: c
steps: []
",
        expect![[r#"
            recipe.yaml:1:1: error: unknown key `dataset_pth`
              dataset_pth: a
              ^^^^^^^^^^^
            hint: did you mean `dataset_path`?
            recipe.yaml:2:1: error: unknown key `export-path`
              export-path: b
              ^^^^^^^^^^^
            hint: did you mean `export_path`?
            recipe.yaml:3:1: error: unknown key `zzzzzz`
              zzzzzz: 1
              ^^^^^^
            recipe.yaml:4:1: error: unknown key `input`
              input: c
              ^^^^^
            hint: did you mean `dataset_path`?
            recipe.yaml:5:1: error: unknown key `steps`
              steps: []
              ^^^^^
            hint: did you mean `process`?
        "#]],
    );
}

#[test]
fn operators_outside_of_the_process_are_refused() {
    reads(
        "dataset_path: a\rprocess:\r- trim_mapper:\rlength_filter:\r  min_len: 5\r",
        expect![[r#"
            recipe.yaml:4:1: error: unknown key `length_filter`
              length_filter:
              ^^^^^^^^^^^^^
            hint: it is an operator; write `- length_filter:` below `process:`
        "#]],
    );
}

#[test]
fn the_input_must_be_named() {
    reads(
        r"export_path: b.jsonl
",
        expect![[r#"
            recipe.yaml: error: the recipe does not say what to read
            hint: add `dataset_path: input.jsonl`
        "#]],
    );
    reads(
        r"dataset_path: ''
",
        expect![[r#"
            recipe.yaml: error: the recipe does not say what to read
            hint: add `dataset_path: input.jsonl`
        "#]],
    );
    reads(
        r"dataset_path: a
dataset: {configs: [{path: b}]}
",
        expect![[r#"
            recipe.yaml:2:10: warning: `dataset` has no effect beside `dataset_path`, as in Data-Juicer
              dataset: {configs: [{path: b}]}
                       ^
            hint: remove one of them
        "#]],
    );
    reads(
        r"dataset_path: 0.5 a.jsonl 0.5
",
        expect![[r#"
            recipe.yaml:1:15: error: `dataset_path`: the weight `0.5` has no path behind it
              dataset_path: 0.5 a.jsonl 0.5
                            ^^^^^^^^^^^^^^^
            hint: a mixture is `0.5 a.jsonl 0.5 b.jsonl`
        "#]],
    );
    reads(
        r"dataset: {configs: [{type: local}]}
",
        expect![[r#"
            recipe.yaml:1:21: error: an entry of `dataset` without a `path`
              dataset: {configs: [{type: local}]}
                                  ^
            hint: add `path: input.jsonl`
        "#]],
    );
    reads(
        r"dataset: {config: []}
",
        expect![[r#"
            recipe.yaml:1:11: error: `dataset`: unknown key `config`
              dataset: {config: []}
                        ^^^^^^
            hint: did you mean `configs`?
        "#]],
    );
    reads(
        r"dataset: {configs: []}
",
        expect![[r#"
            recipe.yaml: error: the recipe does not say what to read
            hint: add `dataset_path: input.jsonl`
        "#]],
    );
}

#[test]
fn remote_inputs_say_what_to_do() {
    reads(
        r"dataset:
  configs:
    - {type: remote, source: huggingface, path: org/name, name: x}
    - {type: remote, source: s3, path: s3://b/k, aws_region: x}
    - {type: local, path: a.jsonl, wieght: 1}
    - {type: hf, path: a}
",
        expect![[r#"
            recipe.yaml:3:14: error: `dataset`: only local data sets are read, found `remote, huggingface`
                  - {type: remote, source: huggingface, path: org/name, name: x}
                           ^^^^^^
            hint: download it first, then name the files: `type: local` and `path: ...`
            recipe.yaml:4:14: error: `dataset`: only local data sets are read, found `remote, s3`
                  - {type: remote, source: s3, path: s3://b/k, aws_region: x}
                           ^^^^^^
            hint: name the object itself: `type: local` and `path: s3://bucket/key`
            recipe.yaml:5:36: error: unknown key `wieght` of a local `dataset`
                  - {type: local, path: a.jsonl, wieght: 1}
                                                 ^^^^^^
            hint: did you mean `weight`?
            recipe.yaml:6:14: error: `dataset`: only local data sets are read, found `hf`
                  - {type: hf, path: a}
                           ^^
            hint: write `type: local` and the path of the files
        "#]],
    );
}

#[test]
fn steps_must_be_a_list_of_operators() {
    reads(
        r"dataset_path: a
process:
  length_filter:
    min_len: 5
",
        expect![[r#"
            recipe.yaml:3:3: error: `process`: expected a list of steps, found a mapping
                length_filter:
                ^
            hint: write a dash before each operator: `- length_filter:`
        "#]],
    );
    reads(
        r"dataset_path: a
process:
  - length_filter:
    min_len: 5
    max_len: 6
  - trim_mapper: {}
    exact_deduplicator: {}
  -
  - []
  - {}
",
        expect![[r#"
            recipe.yaml:4:5: error: a step has one operator, found 3 keys
                  min_len: 5
                  ^^^^^^^
            hint: if `min_len` is a parameter of `length_filter`, indent it further
            recipe.yaml:7:5: error: a step has one operator, found 2 keys
                  exact_deduplicator: {}
                  ^^^^^^^^^^^^^^^^^^
            hint: if `exact_deduplicator` is another operator, write a dash before it
            recipe.yaml:8:4: error: expected an operator, found nothing
                -
                 ^
            hint: a step is `- operator_name:` with its parameters below
            recipe.yaml:9:5: error: expected an operator, found a list
                - []
                  ^
            hint: a step is `- operator_name:` with its parameters below
            recipe.yaml:10:5: error: expected an operator, found a mapping
                - {}
                  ^
            hint: a step is `- operator_name:` with its parameters below
        "#]],
    );
    reads(
        r"dataset_path: a
process: length_filter
",
        expect![[r#"
            recipe.yaml:2:10: error: `process`: expected a list of steps, found `length_filter`
              process: length_filter
                       ^^^^^^^^^^^^^
            hint: write `- operator_name:` for each step
        "#]],
    );
}

#[test]
fn unknown_operators_are_refused() {
    reads(
        r"dataset_path: a
process:
  - lenght_filter:
      min_len: 5
  - xyzzy
  - LengthOps:
",
        expect![[r#"
            recipe.yaml:3:5: error: unknown operator `lenght_filter`
                - lenght_filter:
                  ^^^^^^^^^^^^^
            hint: did you mean `length_filter`? `wrasse ops` lists all
            recipe.yaml:5:5: error: unknown operator `xyzzy`
                - xyzzy
                  ^^^^^
            hint: `wrasse ops` lists all
            recipe.yaml:6:5: error: unknown operator `LengthOps`
                - LengthOps:
                  ^^^^^^^^^
            hint: did you mean `LengthOp`? `wrasse ops` lists all
        "#]],
    );
}

#[test]
fn unknown_parameters_are_refused() {
    reads(
        r"dataset_path: a
process:
  - length_filter: {min_lenn: 5, reversed_rang: true, zzz: 1}
  - trim_mapper: {zzz: 1}
",
        expect![[r#"
            recipe.yaml:3:21: error: unknown parameter `min_lenn` of `length_filter`
                - length_filter: {min_lenn: 5, reversed_rang: true, zzz: 1}
                                  ^^^^^^^^
            hint: did you mean `min_len`?
            recipe.yaml:3:34: error: unknown parameter `reversed_rang` of `length_filter`
                - length_filter: {min_lenn: 5, reversed_rang: true, zzz: 1}
                                               ^^^^^^^^^^^^^
            hint: did you mean `reversed_range`?
            recipe.yaml:3:55: error: unknown parameter `zzz` of `length_filter`
                - length_filter: {min_lenn: 5, reversed_rang: true, zzz: 1}
                                                                    ^^^
            hint: it takes `min_len`, `max_len`, `ratio`
            recipe.yaml:4:19: error: unknown parameter `zzz` of `trim_mapper`
                - trim_mapper: {zzz: 1}
                                ^^^
            hint: it takes none of its own
        "#]],
    );
}

#[test]
fn wrong_types_are_told_in_words() {
    reads(
        r"dataset_path: a
process:
  - length_filter:
      min_len: many
      max_len: 1.5
      ratio: [1]
      reversed_range: maybe
  - length_filter:
      min_len: '5'
      max_len: .inf
      ratio: null
      text_key: {a: b}
  - replace_mapper:
      pattern: {a: 1}
      mode: al
      ranges: [{min: 0, max: 1}, {min: -1, mx: 2}, 5]
      ignore_case: 1
",
        expect![[r#"
            recipe.yaml:4:16: error: `min_len`: expected a whole number, found `many`
                    min_len: many
                             ^^^^
            recipe.yaml:5:16: error: `max_len`: expected a whole number, found `1.5`
                    max_len: 1.5
                             ^^^
            recipe.yaml:6:14: error: `ratio`: expected a number, found a list
                    ratio: [1]
                           ^
            recipe.yaml:7:23: error: `reversed_range`: expected true or false, found `maybe`
                    reversed_range: maybe
                                    ^^^^^
            recipe.yaml:9:16: error: `min_len`: expected a whole number, found the text `"5"`
                    min_len: '5'
                             ^^^
            hint: remove the quotes, which make it text
            recipe.yaml:10:16: error: `max_len`: expected a whole number, found `.inf`
                    max_len: .inf
                             ^^^^
            hint: recipes have no infinite numbers; leave the parameter out for no limit
            recipe.yaml:11:14: error: `ratio`: expected a number, found nothing
                    ratio: null
                           ^^^^
            hint: leave it out for its default
            recipe.yaml:12:17: error: `text_key`: expected text, found a mapping
                    text_key: {a: b}
                              ^
            recipe.yaml:14:16: error: `pattern`: expected text or a list, found a mapping
                    pattern: {a: 1}
                             ^
            recipe.yaml:15:13: error: `mode`: expected `first` or `all`, found `al`
                    mode: al
                          ^^
            hint: did you mean `all`?
            recipe.yaml:16:40: error: `ranges[1].min`: expected a whole number of at least 0, found `-1`
                    ranges: [{min: 0, max: 1}, {min: -1, mx: 2}, 5]
                                                     ^^
            recipe.yaml:16:44: error: `ranges[1]`: unknown key `mx`
                    ranges: [{min: 0, max: 1}, {min: -1, mx: 2}, 5]
                                                         ^^
            hint: did you mean `max`?
            recipe.yaml:16:52: error: `ranges[2]`: expected a mapping, found `5`
                    ranges: [{min: 0, max: 1}, {min: -1, mx: 2}, 5]
                                                                 ^
            recipe.yaml:17:20: error: `ignore_case`: expected true or false, found `1`
                    ignore_case: 1
                                 ^
        "#]],
    );
}

#[test]
fn parameters_must_be_a_mapping() {
    reads(
        r"dataset_path: a
process:
  - length_filter: 5
  - length_filter: [min_len]
  - length_filter: [1, 2]
",
        expect![[r#"
            recipe.yaml:3:20: error: expected parameters of `length_filter`, found `5`
                - length_filter: 5
                                 ^
            hint: write them as `name: value`, indented below the operator
            recipe.yaml:4:20: error: expected parameters of `length_filter`, found a list
                - length_filter: [min_len]
                                 ^
            hint: write them as `name: value`, indented below the operator
            recipe.yaml:5:20: error: expected parameters of `length_filter`, found a list
                - length_filter: [1, 2]
                                 ^
            hint: write them as `name: value`, indented below the operator
        "#]],
    );
}

#[test]
fn operators_complain_of_all_their_parameters() {
    reads(
        r"dataset_path: a
process:
  - length_filter:
      min_len: 9
      max_len: 5
      ratio: 2
  - replace_mapper:
  - replace_mapper:
      pattern: x
      ranges:
        - {min: 1, max: 2}
        - min: 5
          max: 3
",
        expect![[r#"
            recipe.yaml:5:16: error: `max_len`: is below min_len, 9
                    max_len: 5
                             ^
            hint: swap them
            recipe.yaml:6:14: error: `ratio`: must lie between 0 and 1
                    ratio: 2
                           ^
            recipe.yaml:7:5: error: `replace_mapper`: missing parameter `pattern`
                - replace_mapper:
                  ^^^^^^^^^^^^^^
            recipe.yaml:13:16: error: `ranges[1].max`: is below `min`
                        max: 3
                             ^
        "#]],
    );
}

#[test]
fn wrong_settings_are_told_in_words() {
    reads(
        r"dataset_path: {a: b}
np: 0
threads: many
memory: 5 parsecs
max_rejects: 120%
rejects: {path: a, mxa: 5}
limit: -1
trace_dropped: [a]
keep_stats_in_res_ds: 1
export_shard_size: [1]
suffixes: {a: b}
",
        expect![[r#"
            recipe.yaml:1:15: error: `dataset_path`: expected text or a list of texts, found a mapping
              dataset_path: {a: b}
                            ^
            recipe.yaml:2:5: error: `np`: expected a whole number of at least 1, found `0`
              np: 0
                  ^
            recipe.yaml:3:10: error: `threads`: expected a whole number of at least 1, found `many`
              threads: many
                       ^^^^
            recipe.yaml:4:9: error: `memory`: `5 parsecs` is not a size; expected a number with a unit, such as `512MiB` or `2GB`
              memory: 5 parsecs
                      ^^^^^^^^^
            recipe.yaml:5:14: error: `max_rejects`: `120%` is not between 0% and 100%
              max_rejects: 120%
                           ^^^^
            recipe.yaml:6:20: error: `rejects`: unknown key `mxa`
              rejects: {path: a, mxa: 5}
                                 ^^^
            hint: did you mean `max`?
            recipe.yaml:7:8: error: `limit`: expected a whole number of at least 0, found `-1`
              limit: -1
                     ^^
            recipe.yaml:8:16: error: `trace_dropped`: expected true, false or a path, found a list
              trace_dropped: [a]
                             ^
            recipe.yaml:9:23: error: `keep_stats_in_res_ds`: expected true or false, found `1`
              keep_stats_in_res_ds: 1
                                    ^
            recipe.yaml:10:20: error: `export_shard_size`: expected a size such as `512MiB`, found a list
              export_shard_size: [1]
                                 ^
            recipe.yaml:11:11: error: `suffixes`: expected text or a list of texts, found a mapping
              suffixes: {a: b}
                        ^
        "#]],
    );
    reads(
        r"dataset_path: a
max_rejects: 5
rejects: {max: 6}
",
        expect![[r#"
            recipe.yaml:2:14: error: `max_rejects` and `rejects.max` say different things
              max_rejects: 5
                           ^
            hint: keep one of them
        "#]],
    );
    reads(
        r"dataset_path: a
max_rejects: 5x
",
        expect![[r#"
            recipe.yaml:2:14: error: `max_rejects`: `5x` is neither a number of samples nor a share such as `0.5%`
              max_rejects: 5x
                           ^^
        "#]],
    );
}

#[test]
fn keys_without_meaning_are_one_warning() {
    reads(
        r"dataset_path: a
use_cache: false
open_tracer: true
skip_op_error: no
validators: [{type: x}]
process:
  - length_filter: {num_proc: 4, batch_size: 10}
  - trim_mapper: {num_proc: 2, text_key: body}
",
        expect![[r#"
            recipe.yaml:2:1: warning: ignored, since they mean nothing here: `use_cache`, `open_tracer`, `skip_op_error`, `validators`
              use_cache: false
              ^^^^^^^^^
            hint: for `open_tracer` there is `trace_dropped: true`; for `skip_op_error` there is `max_rejects: 0`
            recipe.yaml:7:21: warning: ignored parameters, since they mean nothing here: `num_proc`, `batch_size`
                - length_filter: {num_proc: 4, batch_size: 10}
                                  ^^^^^^^^
        "#]],
    );
}

#[test]
fn what_may_not_be_ignored_is_refused() {
    reads(
        r"dataset_path: a
encrypt_before_export: true
decrypt_after_reading: false
",
        expect![[r#"
            recipe.yaml:2:1: error: `encrypt_before_export` is not supported
              encrypt_before_export: true
              ^^^^^^^^^^^^^^^^^^^^^
            hint: encrypt the result after the run; nothing is encrypted here, and the result would be readable
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

#[test]
fn an_entry_of_dataset_without_a_list_is_told_what_there_is() {
    reads(
        r"dataset:
  type: local
",
        expect![[r#"
            recipe.yaml:2:3: error: `dataset`: unknown key `type`
                type: local
                ^^^^
            hint: there are `configs`, `max_sample_num`
        "#]],
    );
}
