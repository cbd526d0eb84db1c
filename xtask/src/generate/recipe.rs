//! The pages of recipes: their keys, and the JSON Schema for editors.

use std::fmt::Write as _;

use wrasse_op::Catalog;
use wrasse_recipe::{KEYS, Key, Meaning};

use super::{Files, NOTE, header, row};

pub(super) fn add(catalog: &Catalog, files: &mut Files) {
    let schema = format!("{:#}\n", wrasse_recipe::schema(catalog));
    files.insert("recipe.schema.json".into(), schema);
    files.insert("recipe-keys.md".into(), keys());
}

fn keys() -> String {
    let mut text = format!(
        "{NOTE}# Keys of recipes\n\nA recipe is a YAML file with these keys. A null is the same as \
         leaving the key out. Editors complete and check recipes with `recipe.schema.json`.\n"
    );
    text.push_str("\n## Data-Juicer's\n\nThey do what they do there.\n\n");
    table(&mut text, Meaning::DataJuicer);
    text.push_str("\n## Wrasse's own\n\n");
    table(&mut text, Meaning::Native);
    text.push_str(
        "\n## Refused\n\nThese keys are Data-Juicer's. Running without them would give a result \
         that the recipe forbids, so they are errors if they are switched on.\n\n",
    );
    text.push_str(&header(&["key", "what to do"]));
    for key in KEYS {
        if let Meaning::Refused(hint) = key.meaning {
            text.push_str(&row(&[&code(key), hint]));
        }
    }
    text.push_str(
        "\n## Without effect\n\nThese keys steer Data-Juicer's executor. They are accepted, and one \
         warning names them.\n\n",
    );
    let ignored = KEYS.iter().filter(|key| key.meaning == Meaning::Ignored);
    let ignored: Vec<String> = ignored.map(code).collect();
    let _ = writeln!(text, "{}", ignored.join(", "));
    text
}

fn table(text: &mut String, meaning: Meaning) {
    text.push_str(&header(&["key", "value", "meaning"]));
    for key in KEYS.iter().filter(|key| key.meaning == meaning) {
        let value = match key.name {
            "process" => "a list of operators".to_owned(),
            _ => key.expected(),
        };
        text.push_str(&row(&[&code(key), &value, key.about]));
    }
}

fn code(key: &Key) -> String {
    format!("`{}`", key.name)
}
