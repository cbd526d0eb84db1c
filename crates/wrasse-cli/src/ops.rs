//! `wrasse ops` and `wrasse schema`: the catalog.

use std::fmt::Write as _;

use serde_json::{Value, json};
use wrasse_op::{Catalog, OpSpec};

use crate::Exit;
use crate::args::{OpsArgs, ReportForm};
use crate::failure::{Failure, print};
use crate::table::{Align, table};

pub(crate) fn ops(args: &OpsArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    if let Some(name) = &args.name {
        let Some(spec) = catalog.find(name) else {
            let failure = Failure::usage(format!("unknown operator `{name}`"));
            return Err(match catalog.suggest(name) {
                Some(close) => failure.with_hint(format!("did you mean `{close}`?")),
                None => failure.with_hint("`wrasse ops` lists all"),
            });
        };
        return match args.format {
            ReportForm::Text => print(&page(spec)),
            ReportForm::Json => print(&format!("{:#}\n", spec_json(spec))),
        };
    }
    let words: Vec<String> = args
        .search
        .iter()
        .flat_map(|words| words.split_whitespace())
        .map(str::to_lowercase)
        .collect();
    let found: Vec<&OpSpec> = catalog
        .iter()
        .filter(|spec| matches(spec, &words))
        .collect();
    match args.format {
        ReportForm::Json => print(&format!("{:#}\n", list_json(found.into_iter()))),
        ReportForm::Text => {
            let rows: Vec<Vec<String>> = found
                .iter()
                .map(|spec| {
                    vec![
                        spec.name.to_owned(),
                        spec.kind.to_string(),
                        spec.summary.to_owned(),
                    ]
                })
                .collect();
            let header = [
                ("operator", Align::Left),
                ("kind", Align::Left),
                ("what it does", Align::Left),
            ];
            print(&format!(
                "{}\n{} operators; `wrasse ops NAME` shows one with parameters and examples\n",
                table(&header, &rows),
                rows.len()
            ))
        }
    }
}

/// What there is to know of these operators.
pub(crate) fn list_json<'a>(operators: impl Iterator<Item = &'a OpSpec>) -> Value {
    operators.map(spec_json).collect()
}

pub(crate) fn schema(catalog: &Catalog) -> Result<Exit, Failure> {
    print(&format!("{:#}\n", wrasse_recipe::schema(catalog)))
}

fn matches(spec: &OpSpec, words: &[String]) -> bool {
    let text = format!(
        "{} {} {} {}",
        spec.name,
        spec.aliases.join(" "),
        spec.summary,
        spec.details
    )
    .to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn page(spec: &OpSpec) -> String {
    let mut text = format!(
        "{} ({}, as in {})\n\n{}\n",
        spec.name, spec.kind, spec.origin, spec.summary
    );
    if !spec.details.is_empty() {
        let _ = writeln!(text, "\n{}", spec.details);
    }
    if !spec.aliases.is_empty() {
        let _ = writeln!(text, "\nalso known as: {}", spec.aliases.join(", "));
    }
    if !spec.stats.is_empty() {
        let _ = writeln!(text, "\nmeasures: {}", spec.stats.join(", "));
    }
    let rows: Vec<Vec<String>> = spec
        .params()
        .into_iter()
        .map(|param| {
            let default = param.default_text();
            vec![param.name, param.types, default, param.about]
        })
        .collect();
    text.push_str("\nparameters\n");
    if rows.is_empty() {
        text.push_str("none of its own\n");
    } else {
        let header = [
            ("name", Align::Left),
            ("type", Align::Left),
            ("default", Align::Left),
            ("meaning", Align::Left),
        ];
        text.push_str(&table(&header, &rows));
    }
    let used: Vec<&str> = spec.common_params().map(|param| param.name).collect();
    let _ = writeln!(text, "and the common ones: {}", used.join(", "));
    for example in spec.examples {
        let _ = writeln!(text, "\nexample: {}", example.about);
        let _ = writeln!(text, "  - {}: {}", spec.name, example.params);
        for row in example.input {
            let _ = writeln!(text, "  in   {row}");
        }
        for row in example.output {
            let _ = writeln!(text, "  out  {row}");
        }
        if example.output.is_empty() {
            text.push_str("  nothing comes out\n");
        }
    }
    text
}

pub(crate) fn spec_json(spec: &OpSpec) -> Value {
    let examples: Vec<Value> = spec
        .examples
        .iter()
        .map(|example| {
            json!({
                "about": example.about,
                "params": example.params,
                "input": example.input,
                "output": example.output,
            })
        })
        .collect();
    json!({
        "name": spec.name,
        "aliases": spec.aliases,
        "kind": spec.kind.name(),
        "summary": spec.summary,
        "details": spec.details,
        "origin": spec.origin,
        "stats": spec.stats,
        "params": spec.schema(),
        "examples": examples,
    })
}
