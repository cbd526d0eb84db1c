//! Parameters of operators.

use expect_test::expect;

use crate::reads;

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
