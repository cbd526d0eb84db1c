//! Steps that name no operator.

use expect_test::expect;

use crate::reads;

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
