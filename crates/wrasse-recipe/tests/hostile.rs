//! Recipes that were not written in good faith, or not by a person at all.

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use std::path::Path;

use expect_test::expect;
use wrasse_recipe::{Source, check};

use support::{catalog, rendered};

fn first_line(recipe: &str) -> String {
    let rendered = rendered(&Source::new("recipe.yaml", recipe.as_bytes()));
    rendered.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..40 {
        let before = i - 1;
        bomb += &format!(
            "a{i}: &a{i} [*a{before},*a{before},*a{before},*a{before},*a{before},*a{before}]\n"
        );
    }
    expect!["recipe.yaml:6:30: error: the recipe has more than 100000 values once its aliases are expanded"].assert_eq(&first_line(&bomb));
    let merges = bomb.replace('[', "{<<: [").replace(']', "]}");
    let merges = merges.replace("[x,x,x,x,x,x,x,x,x]", "{x: 1}");
    expect!["recipe.yaml:6:5: error: the recipe has more than 100000 values once its aliases are expanded"].assert_eq(&first_line(&merges));
    expect!["recipe.yaml:1:199999: error: the recipe has more than 100000 values once its aliases are expanded"].assert_eq(&first_line(&format!("a: [{}]", "x,".repeat(200_000))));
}

#[test]
fn deep_nesting_is_refused() {
    for recipe in [
        "[".repeat(20_000),
        "{a: ".repeat(20_000),
        "[".repeat(200) + &"]".repeat(200),
        (0..200).map(|i| format!("{}a:\n", " ".repeat(i))).collect(),
        "- ".repeat(200) + "x",
    ] {
        let line = first_line(&recipe);
        assert!(
            line.ends_with("error: nested more than 128 levels deep"),
            "{line}"
        );
    }
    let level = |inner: &str| format!("[{inner}]");
    let deep = (0..100).fold("x".to_owned(), |inner, _| level(&inner));
    let aliased = format!("a: &a {deep}\nb: {}*a{}\n", "[".repeat(50), "]".repeat(50));
    expect!["recipe.yaml:2:54: error: nested more than 128 levels deep"]
        .assert_eq(&first_line(&aliased));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let source = Source::new("recipe.yaml", b"dataset_path: a\nnp: \xff\xfe\n");
    expect![[r#"
        recipe.yaml:2:5: error: the recipe is not UTF-8 text from here on
          np: ��
              ^
        hint: save it as UTF-8
    "#]]
    .assert_eq(&rendered(&source));
    let utf16: Vec<u8> = "\u{feff}np: 1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    expect![[r#"
        recipe.yaml:1:1: error: the recipe is not UTF-8 text from here on
          ��n�p�:� �1�
          ^
        hint: save it as UTF-8
    "#]]
    .assert_eq(&rendered(&Source::new("recipe.yaml", &utf16)));
    expect!["recipe.yaml:1:5: error: not valid YAML: found unprintable character"]
        .assert_eq(&first_line("np: \0\n"));
}

#[test]
fn a_thousand_errors_are_not_all_told() {
    let recipe: String = (0..1_000).map(|i| format!("nonsense{i}: {i}\n")).collect();
    let checked = check(&Source::new("recipe.yaml", recipe.as_bytes()), &catalog());
    assert_eq!(checked.diagnostics.len(), 101);
    expect!["and 901 more like these"].assert_eq(&checked.diagnostics[100].message);
    let long = "x".repeat(1_000_000);
    assert!(first_line(&format!("{long}: 1\n")).len() < 200);
}

/// The corpus lies beside the project on machines that have it.
#[test]
fn every_hostile_recipe_of_the_corpus_gets_an_error() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/hostile/recipes");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let source = Source::new("recipe.yaml", &std::fs::read(&path).unwrap());
        let checked = check(&source, &catalog());
        assert!(checked.recipe.is_none(), "{}", path.display());
        let rendered = rendered(&source);
        assert!(rendered.contains("error: "), "{}", path.display());
        assert!(
            rendered.len() < 4_000,
            "{}: {} bytes of errors",
            path.display(),
            rendered.len()
        );
    }
}

const SEED: &str = "\u{feff}# A recipe with a bit of everything.
project_name: 'mutants'
dataset_path: 0.5 数据.jsonl 0.5 \"b.jsonl\"
export_path: out.jsonl
text_keys: [text, body]
memory: 512MiB
rejects: {path: bad.jsonl, max: 5%}
use_cache: no
process:
  - trim_mapper
  - length_filter: &length
      min_len: 1e2
      max_len: 0x7F
      ratio: .5
  - length_filter: {<<: *length, reversed_range: off}
  - replace_mapper:
      pattern: [a, !!str 5, \"\\x41\"]
      repl: |
        two
        lines
      ranges: [{min: 1, max: 2}]
  - exact_deduplicator:
";

/// A few bytes changed, inserted, removed, doubled or cut off at random: no
/// panic, and an error or a recipe, whatever comes of it.
#[test]
fn mutants_never_cause_a_panic() {
    assert_eq!(
        first_line(SEED).split(": ").nth(1),
        Some("warning"),
        "{}",
        first_line(SEED)
    );
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let mut bytes = SEED.as_bytes().to_vec();
        for _ in 0..random.below(4) + 1 {
            mutate(&mut bytes, &mut random);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let change = text
            .lines()
            .nth(random.below(20))
            .unwrap_or_default()
            .replace(": ", "=");
        let source = Source::new("mutant.yaml", &bytes).with_overrides([change]);
        let outcome = std::panic::catch_unwind(|| {
            let checked = check(&source, &catalog());
            let failed = checked.recipe.is_none();
            let told = checked
                .diagnostics
                .iter()
                .any(|one| one.severity == wrasse_recipe::Severity::Error);
            assert_eq!(failed, told);
            if let Some(recipe) = checked.recipe {
                assert_eq!(recipe.canonical().hash().len(), 32);
            }
            rendered(&source)
        });
        assert!(outcome.is_ok(), "seed {seed}:\n{text}");
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const ODD: &[&[u8]] = &[
        b"\t",
        b"\n",
        b"\r",
        b"\0",
        b"'",
        b"\"",
        b"[",
        b"]",
        b"{",
        b"}",
        b": ",
        b"- ",
        b"&a ",
        b"*length",
        b"<<: ",
        b"!!python/x ",
        b"---\n",
        b"...",
        b"#",
        b"|",
        b"%",
        b"\xff",
        b"\xe2\x80\xa8",
        b"? ",
        b"~",
        b".inf",
        b"9999999999999999999",
    ];
    let len = bytes.len();
    let at = random.below(len);
    let end = (at + random.below(40)).min(len);
    match random.below(6) {
        0 => bytes[at] = random.below(256) as u8,
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].to_vec();
            let to = random.below(len);
            bytes.splice(to..to, part);
        }
        3 if random.below(4) == 0 => bytes.truncate(at.max(1)),
        _ => {
            let odd = ODD[random.below(ODD.len())];
            bytes.splice(at..at, odd.iter().copied());
        }
    }
    if bytes.is_empty() {
        bytes.push(b' ');
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
