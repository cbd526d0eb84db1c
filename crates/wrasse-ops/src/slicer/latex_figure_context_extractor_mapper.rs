//! `latex_figure_context_extractor_mapper` makes a sample of each figure of a
//! LaTeX paper.

use regex::Regex;
use serde_json::Value;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Sample, Slicer};

use crate::latex::{Citations, Figure, Finder, prose};

pub(crate) const SPEC: OpSpec = OpSpec::slicer::<LatexFigureContextExtractorMapper>(
    "latex_figure_context_extractor_mapper",
    "Makes a sample of each figure of a LaTeX paper, with caption and citing paragraphs.",
)
.details("Figures are the environments `figure`, `figure*` and `wrapfigure` with an `\\includegraphics` in them. One with parts (the environment `subfigure`, the commands `\\subfigure` and `\\subfloat`) gives a sample for each part that has an image; one with several minipages a sample for each of those, unless it holds `\\captionof{table}`. Captions are `\\caption`, `\\caption*`, `\\subcaption` or `\\captionof{figure}`.\n\nThe citing paragraphs are those of the prose (without floats, formulas and program code) that name the label in one of `citation_commands`; a part has those of its figure too. A sample without figures gives none.\n\nEach sample has all fields of the paper, its text included, with `caption_key`, `label_key`, `image_key` (a list of paths), `context_key` (a list), `parent_caption_key` and `parent_label_key` added. A paper whose samples would take more than 512 MiB in memory is an error: each holds its citing paragraphs, and the text if an operator before this one changed it.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "gives a sample for each figure",
        params: "{}",
        input: &[r#"{"text": "\\begin{figure}\\includegraphics[width=1in]{a.png}\\caption{A {b}.}\\label{fig:a}\\end{figure}\n\nSee \\ref{fig:a}.\n\nMore."}"#],
        output: &[r#"{"text": "\\begin{figure}\\includegraphics[width=1in]{a.png}\\caption{A {b}.}\\label{fig:a}\\end{figure}\n\nSee \\ref{fig:a}.\n\nMore.", "caption": "A {b}.", "images": ["a.png"], "label": "fig:a", "citing_paragraphs": ["See \\ref{fig:a}."], "parent_caption": "", "parent_label": ""}"#],
    },
    Example {
        about: "drops samples without figures",
        params: "{}",
        input: &[r#"{"text": "No figures."}"#],
        output: &[],
    },
]);

/// Parameters of `latex_figure_context_extractor_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The commands that cite a label, with or without their backslash; if
    /// null `\ref`, `\cref`, `\Cref` and `\autoref`.
    citation_commands: Option<Vec<String>>,
    /// What stands between paragraphs, literally.
    paragraph_separator: String,
    /// The field to put the caption in.
    caption_key: String,
    /// The field to put the label in.
    label_key: String,
    /// The field to put the citing paragraphs in.
    context_key: String,
    /// The field to put the caption of a part's figure in; empty without parts.
    parent_caption_key: String,
    /// The field to put the label of a part's figure in; empty without parts.
    parent_label_key: String,
    /// The field to put the paths of images in.
    image_key: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            citation_commands: None,
            paragraph_separator: "\n\n".to_owned(),
            caption_key: "caption".to_owned(),
            label_key: "label".to_owned(),
            context_key: "citing_paragraphs".to_owned(),
            parent_caption_key: "parent_caption".to_owned(),
            parent_label_key: "parent_label".to_owned(),
            image_key: "images".to_owned(),
        }
    }
}

pub(crate) struct LatexFigureContextExtractorMapper {
    params: Params,
    text_key: String,
    finder: Finder,
    command: Regex,
}

impl Configured for LatexFigureContextExtractorMapper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        if params.paragraph_separator.is_empty() {
            return Err(ParamError::new(
                "paragraph_separator",
                "expected at least one character",
            ));
        }
        let names = match &params.citation_commands {
            Some(names) => names.clone(),
            None => ["ref", "cref", "Cref", "autoref"].map(str::to_owned).into(),
        };
        let names = names.iter().map(|name| name.trim_start_matches('\\'));
        let names: Vec<String> = names.map(regex::escape).collect();
        let command = Regex::new(&format!(r"\\(?:{})\{{", names.join("|")))
            .map_err(|_| ParamError::new("citation_commands", "too many commands"))?;
        Ok(Self {
            params,
            text_key: common.text_key.clone(),
            finder: Finder::new(),
            command,
        })
    }
}

/// Far beyond any paper: each sample repeats what cites its figure, and the
/// text if it is no longer that of the row.
const REPEATED_BYTES_MAX: usize = 512 << 20;

impl Slicer for LatexFigureContextExtractorMapper {
    fn slice(&self, sample: &mut Sample, pieces: &mut Vec<Sample>) -> Result<(), OpError> {
        // Without the decoded text, which the pieces can do without.
        let base = sample.clone();
        // What each piece holds for itself, beside the row that all share.
        let base_bytes = base.held_bytes(Some(&base));
        let source = sample.text(&self.text_key)?;
        let figures = self.finder.figures(source);
        if figures.is_empty() {
            return Ok(());
        }
        let prose = prose(source);
        let citations = Citations::new(&prose, &self.params.paragraph_separator, &self.command);
        let mut bytes = 0;
        let n_before = pieces.len();
        for figure in &figures {
            let citing = citations.of(&figure.label);
            let parts = match figure.parts.as_slice() {
                [] => std::slice::from_ref(figure),
                parts => parts,
            };
            for part in parts {
                let mut context = citing.clone();
                let parent = (!figure.parts.is_empty()).then_some(figure);
                if parent.is_some() {
                    context.extend(citations.of(&part.label));
                    let mut seen = std::collections::HashSet::new();
                    context.retain(|paragraph| seen.insert(*paragraph));
                }
                bytes += base_bytes;
                bytes += context.iter().map(|paragraph| paragraph.len()).sum::<usize>();
                if bytes > REPEATED_BYTES_MAX {
                    return Err(OpError::bad_sample(format!(
                        "the samples of its figures take more than {} MiB",
                        REPEATED_BYTES_MAX >> 20
                    )));
                }
                let i = pieces.len() - n_before;
                pieces.push(self.piece(&base, i, part, &context, parent));
            }
        }
        Ok(())
    }
}

impl LatexFigureContextExtractorMapper {
    fn piece(
        &self,
        base: &Sample,
        i: usize,
        figure: &Figure,
        context: &[&str],
        parent: Option<&Figure>,
    ) -> Sample {
        let params = &self.params;
        let mut piece = base.piece(&params.caption_key, &*figure.caption, i as u32);
        piece.set_value(&params.image_key, &Value::from(figure.images.clone()));
        piece.set_text(&params.label_key, &*figure.label);
        piece.set_value(&params.context_key, &Value::from(context.to_vec()));
        let of_parent = |field: fn(&Figure) -> &String| parent.map_or("", |parent| field(parent));
        piece.set_text(&params.parent_caption_key, of_parent(|parent| &parent.caption));
        piece.set_text(&params.parent_label_key, of_parent(|parent| &parent.label));
        piece
    }
}
