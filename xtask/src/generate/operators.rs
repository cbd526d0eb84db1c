//! The pages of the operators: an index, and a page for each.

use std::fmt::Write as _;
use std::path::PathBuf;

use wrasse_op::{COMMON_PARAMS, Catalog, Effect, OpKind, OpSpec};

use super::{Files, NOTE, header, row};

const KINDS: [(OpKind, &str, &str); 6] = [
    (OpKind::Mapper, "Mappers", "One sample in, one sample out."),
    (
        OpKind::Filter,
        "Filters",
        "Measure a sample, and keep or drop it.",
    ),
    (
        OpKind::Slicer,
        "Slicers",
        "Cut a sample into any number of samples.",
    ),
    (
        OpKind::Deduplicator,
        "Deduplicators",
        "Of equal samples the first stays.",
    ),
    (
        OpKind::Selector,
        "Selectors",
        "Keep some of all samples, most by how they compare with the others.",
    ),
    (OpKind::Grouper, "Groupers", "Make one sample of many."),
];

/// Operators of DataMate that are not native, and why.
const NOT_NATIVE: [(&str, &str); 5] = [
    (
        "`TextToWord`",
        "makes a Word file, with tables as pandas and python-docx merge their cells; operators here make texts and values of fields",
    ),
    (
        "`ImgShadowRemove`, `ImgPerspectiveTransformation`",
        "OpenCV's morphology and contours are not native",
    ),
    (
        "`PiiDetector`, `ImgDirectionCorrect`, `ImgAdvertisementImagesCleaner`",
        "need a model",
    ),
    (
        "`QAConditionEvaluator`, `TextQualityEvaluation`, `MineruFormatter`",
        "ask a model behind a service",
    ),
    (
        "`SimpleSlicer`, `AnnotationSlicer`, `SlideFormatter`",
        "read slides of microscopes, through OpenSlide",
    ),
];

pub(super) fn add(catalog: &Catalog, files: &mut Files) {
    files.insert("operators.md".into(), index(catalog));
    for spec in catalog.iter() {
        let path = PathBuf::from(format!("operators/{}.md", spec.name));
        files.insert(path, page(spec));
    }
}

fn index(catalog: &Catalog) -> String {
    let costs = wrasse_ops::costs();
    let mut text = format!(
        "{NOTE}# Operators\n\n`wrasse ops` lists them in the terminal, `wrasse ops NAME` shows one. The last \
         column is what an operator takes: megabytes of text in a second of processor time, measured \
         alone on one thread ({}, {}, {}); operators that do not work on texts have none.\n",
        costs.machine, costs.date, costs.corpus
    );
    for (kind, title, about) in KINDS {
        let _ = write!(text, "\n## {title}\n\n{about}\n\n");
        text.push_str(&header(&["operator", "what it does", "MB/CPU-s"]));
        for spec in catalog.iter().filter(|spec| spec.kind == kind) {
            let link = format!("[`{0}`](operators/{0}.md)", spec.name);
            let cost = wrasse_ops::costs().operators.get(spec.name);
            let cost = cost.map(|cost| wrasse_ops::rounded(cost.mb_per_cpu_s));
            text.push_str(&row(&[&link, spec.summary, cost.as_deref().unwrap_or("")]));
        }
    }
    text.push_str(
        "\n## What is not native\n\nThese operators of DataMate run from their folders, as operators in \
         Python. Of Data-Juicer's, those that are not listed above do.\n\n",
    );
    text.push_str(&header(&["operator", "why"]));
    for (names, why) in NOT_NATIVE {
        text.push_str(&row(&[names, why]));
    }
    text.push_str("\n## Common parameters\n\nEvery operator takes them beside its own.\n\n");
    text.push_str(&header(&["name", "meaning"]));
    for param in COMMON_PARAMS
        .iter()
        .filter(|param| param.effect == Effect::Used)
    {
        text.push_str(&row(&[&format!("`{}`", param.name), param.about]));
    }
    text.push_str("\nThese are accepted, so that recipes run as they are, and do nothing:\n\n");
    text.push_str(&header(&[
        "name",
        "meaning elsewhere",
        "why it does nothing",
    ]));
    for param in COMMON_PARAMS {
        if let Effect::Ignored(why) = param.effect {
            text.push_str(&row(&[&format!("`{}`", param.name), param.about, why]));
        }
    }
    text
}

fn page(spec: &OpSpec) -> String {
    let mut text = format!("{NOTE}# {}\n\n{}\n\n", spec.name, spec.summary);
    let _ = writeln!(text, "A {}; semantics of {}.", spec.kind, spec.origin);
    if !spec.aliases.is_empty() {
        let _ = writeln!(text, "\nAlso known as {}.", code_list(spec.aliases));
    }
    if !spec.details.is_empty() {
        let _ = writeln!(text, "\n{}", spec.details);
    }
    if !spec.stats.is_empty() {
        let _ = writeln!(text, "\nMeasures {}.", code_list(spec.stats));
    }
    if let Some(cost) = wrasse_ops::costs().told(spec.name) {
        let _ = writeln!(text, "\nCost: {cost}.");
    }
    text.push_str("\n## Parameters\n\n");
    let params = spec.params();
    if params.is_empty() {
        text.push_str("None of its own.\n");
    } else {
        text.push_str(&header(&["name", "type", "default", "meaning"]));
        for param in params {
            let default = match param.default {
                Some(_) => format!("`{}`", param.default_text()),
                None => param.default_text(),
            };
            text.push_str(&row(&[
                &format!("`{}`", param.name),
                &param.types,
                &default,
                &param.about,
            ]));
        }
    }
    let common: Vec<&str> = spec.common_params().map(|param| param.name).collect();
    let _ = writeln!(
        text,
        "\nAnd of the [common ones](../operators.md#common-parameters): {}.",
        code_list(&common)
    );
    text.push_str("\n## Examples\n");
    for example in spec.examples {
        let _ = write!(text, "\n### {}\n\n", capitalized(example.about));
        let _ = write!(
            text,
            "```yaml\n- {}: {}\n```\n\n",
            spec.name, example.params
        );
        let _ = write!(
            text,
            "In:\n\n```json\n{}\n```\n\n",
            example.input.join("\n")
        );
        if example.output.is_empty() {
            text.push_str("Nothing comes out.\n");
        } else {
            let _ = write!(
                text,
                "Out:\n\n```json\n{}\n```\n",
                example.output.join("\n")
            );
        }
    }
    text
}

fn code_list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn capitalized(phrase: &str) -> String {
    let mut chars = phrase.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
