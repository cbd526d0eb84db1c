//! Keys of a recipe.

use expect_test::expect;

use crate::reads;

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
