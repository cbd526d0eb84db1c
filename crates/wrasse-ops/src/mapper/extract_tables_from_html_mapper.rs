//! `extract_tables_from_html_mapper` takes the tables out of HTML.

use serde_json::Value;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::meta;
use crate::soup::{NodeId, Soup, parse};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ExtractTablesFromHtmlMapper>(
    "extract_tables_from_html_mapper",
    "Puts the tables of an HTML text into the sample's metadata.",
)
.details("Each table becomes a list of rows, each row a list of its cells' texts, stripped and without tags; rows without cells and tables without rows are left out. The HTML is read as Beautiful Soup reads it with Python's `html.parser`: tags as they stand, so that a cell without an end tag holds those behind it. A table within a table counts for itself, and its rows for the outer one too.\n\nThe tables go to `tables_field_name` of the field `__dj__meta__`; a sample that has it is left alone. The text stays as it is.\n\nTables within tables repeat what they hold: a sample whose tables would take more than 64 MiB or very long is an error.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "gives the texts of cells",
        params: "{}",
        input: &[r#"{"text": "<p>Prices</p><table><tr><th>Fruit</th><th>Price</th></tr><tr><td> Apple <b>red</b></td><td>1&euro;</td></tr></table>"}"#],
        output: &[r#"{"text": "<p>Prices</p><table><tr><th>Fruit</th><th>Price</th></tr><tr><td> Apple <b>red</b></td><td>1&euro;</td></tr></table>", "__dj__meta__": {"html_tables": [[["Fruit", "Price"], ["Applered", "1€"]]]}}"#],
    },
    Example {
        about: "leaves out rows of headers",
        params: r#"{"include_header": false}"#,
        input: &[r#"{"text": "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"}"#],
        output: &[r#"{"text": "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>", "__dj__meta__": {"html_tables": [[["1"]]]}}"#],
    },
    Example {
        about: "gives tables as HTML",
        params: r#"{"retain_html_tags": true}"#,
        input: &[r#"{"text": "<TABLE b=1 a='2'><tr><td>x<br>y"}"#],
        output: &[r#"{"text": "<TABLE b=1 a='2'><tr><td>x<br>y", "__dj__meta__": {"html_tables": ["<table a=\"2\" b=\"1\"><tr><td>x<br/>y</td></tr></table>"]}}"#],
    },
]);

/// Parameters of `extract_tables_from_html_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The name to put the tables under, in the field `__dj__meta__`.
    tables_field_name: String,
    /// Give each table as HTML, in one string.
    retain_html_tags: bool,
    /// Keep rows that have a `th` cell; means nothing if tags are retained.
    include_header: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            tables_field_name: "html_tables".to_owned(),
            retain_html_tags: false,
            include_header: true,
        }
    }
}

pub(crate) struct ExtractTablesFromHtmlMapper {
    params: Params,
    text_key: String,
}

impl Configured for ExtractTablesFromHtmlMapper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            params,
            text_key: common.text_key.clone(),
        })
    }
}

/// What tables within tables may repeat, in bytes of their texts.
const TABLES_BYTES_MAX: usize = 64 << 20;
/// And in nodes that are looked at: a second, about.
const NODES_MAX: usize = 100_000_000;

impl Mapper for ExtractTablesFromHtmlMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let mut entries = meta::read(sample)?;
        if entries.contains_key(&self.params.tables_field_name) {
            return Ok(());
        }
        let soup = parse(sample.text(&self.text_key)?)?;
        let mut tables = Vec::new();
        let mut budget = Budget {
            n_bytes: TABLES_BYTES_MAX,
            n_nodes: NODES_MAX,
        };
        for table in soup.nodes().filter(|node| soup.name(*node) == "table") {
            budget.look(&soup, table)?;
            if self.params.retain_html_tags {
                let mut html = String::new();
                soup.write(table, &mut html);
                budget.take(html.len())?;
                tables.push(html.into());
            } else {
                tables.extend(self.rows(&soup, table, &mut budget)?);
            }
        }
        let name = self.params.tables_field_name.clone();
        entries.insert(name, Value::Array(tables));
        meta::write(sample, entries);
        Ok(())
    }
}

impl ExtractTablesFromHtmlMapper {
    /// The rows of a table; none if it has no cells.
    fn rows(&self, soup: &Soup, table: NodeId, budget: &mut Budget) -> Result<Option<Value>, OpError> {
        let mut rows = Vec::new();
        for row in soup.descendants(table).filter(|node| soup.name(*node) == "tr") {
            let is_header = || soup.children(row).any(|cell| soup.name(cell) == "th");
            if !self.params.include_header && is_header() {
                continue;
            }
            let mut cells = Vec::new();
            for cell in soup.children(row) {
                if matches!(soup.name(cell), "td" | "th") {
                    budget.look(soup, cell)?;
                    let text = soup.stripped_text(cell);
                    budget.take(text.len())?;
                    cells.push(Value::from(text));
                }
            }
            if !cells.is_empty() {
                rows.push(Value::from(cells));
            }
        }
        Ok((!rows.is_empty()).then(|| rows.into()))
    }
}

/// What is left of what one sample may take.
struct Budget {
    n_bytes: usize,
    n_nodes: usize,
}

impl Budget {
    /// Accounts for a walk through all that is below a node.
    fn look(&mut self, soup: &Soup, node: NodeId) -> Result<(), OpError> {
        let left = self.n_nodes.checked_sub(soup.descendants(node).len() + 1);
        self.n_nodes = left.ok_or_else(too_much)?;
        Ok(())
    }

    fn take(&mut self, n_bytes: usize) -> Result<(), OpError> {
        self.n_bytes = self.n_bytes.checked_sub(n_bytes).ok_or_else(too_much)?;
        Ok(())
    }
}

fn too_much() -> OpError {
    OpError::bad_sample("the tables within tables repeat each other too often")
}
