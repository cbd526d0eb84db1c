//! [`KEYS`]: every key of a recipe, what it does, and the type of its value.
//!
//! One table serves the check, the JSON schema for editors and the reference.

use serde_json::{Value, json};

use crate::conform::{Expected, WORDS};

/// What a key of a recipe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is Data-Juicer's and does here what it does there.
    DataJuicer,
    /// It is Wrasse's own.
    Native,
    /// It is Data-Juicer's and accepted without effect.
    Ignored,
    /// It is Data-Juicer's, and running without it would give a result that
    /// the recipe forbids: an error if it is switched on. The text says what
    /// to do.
    Refused(&'static str),
}

/// A key at the top of a recipe.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub meaning: Meaning,
    /// What it does, with unit and default; Markdown. Empty if ignored.
    pub about: &'static str,
    value: fn() -> Value,
}

impl Key {
    /// The JSON schema of its value, without a description. Null is always
    /// allowed beside it and means the default.
    pub fn schema(&self) -> Value {
        (self.value)()
    }

    /// What the value may be, in words, as in "expected a whole number".
    pub fn expected(&self) -> String {
        let schema = self.schema();
        Expected::new(&schema, &schema).words()
    }
}

const fn dj(name: &'static str, about: &'static str, value: fn() -> Value) -> Key {
    Key {
        name,
        meaning: Meaning::DataJuicer,
        about,
        value,
    }
}

const fn native(name: &'static str, about: &'static str, value: fn() -> Value) -> Key {
    Key {
        name,
        meaning: Meaning::Native,
        about,
        value,
    }
}

const fn ignored(name: &'static str) -> Key {
    Key {
        name,
        meaning: Meaning::Ignored,
        about: "",
        value: || json!({}),
    }
}

const fn refused(name: &'static str, hint: &'static str) -> Key {
    Key {
        name,
        meaning: Meaning::Refused(hint),
        about: "",
        value: || json!({}),
    }
}

/// Every key of a recipe, in the order of the reference.
pub const KEYS: &[Key] = &[
    dj("project_name", "The name of the run, for reports.", text),
    dj(
        "dataset_path",
        "What to read: a file, a folder, a glob, a URL of an object store, or `-` for standard input; a list of those; or a mixture, `0.5 a.jsonl 0.5 b.jsonl`, in which a number before a path is its weight. A text that neither starts with a number nor has one from 0 to 1 in it is one path, spaces and all.",
        texts,
    ),
    dj(
        "dataset",
        "What to read, in full, instead of `dataset_path` (which wins if both are given, as in Data-Juicer).",
        dataset,
    ),
    dj(
        "suffixes",
        "The endings of the files to read in folders, such as `.jsonl` or `[txt, md]`. Default: all that can be read.",
        texts,
    ),
    dj(
        "text_keys",
        "The field that holds the text; of a list, operators take the first, as in Data-Juicer. Default: `text`.",
        texts,
    ),
    dj(
        "image_key",
        "The field that lists images, for all steps that take `image_key`. Default: `images`.",
        text,
    ),
    dj(
        "image_bytes_key",
        "The field that holds the bytes of images, for all steps that take `image_bytes_key`. Default: `image_bytes`.",
        text,
    ),
    dj(
        "audio_key",
        "The field that lists audio files, for all steps that take `audio_key`. Default: `audios`.",
        text,
    ),
    dj(
        "video_key",
        "The field that lists videos, for all steps that take `video_key`. Default: `videos`.",
        text,
    ),
    dj(
        "export_path",
        "Where the result goes: a file, a URL of an object store, or `-` for standard output. Its ending decides the format.",
        text,
    ),
    dj(
        "export_type",
        "The format of the result, such as `jsonl` or `parquet`. Default: by the ending of `export_path`.",
        text,
    ),
    dj(
        "export_shard_size",
        "The size of one part of the result, in bytes or with a unit (`512MiB`); 0 for one file. Default: 0.",
        size,
    ),
    dj(
        "export_in_parallel",
        "Accepted: the result is always written in parallel.",
        boolean,
    ),
    dj(
        "keep_stats_in_res_ds",
        "Whether the result carries what the filters measured. Default: false.",
        boolean,
    ),
    dj(
        "keep_hashes_in_res_ds",
        "Whether the result carries what the deduplicators compared. Default: false.",
        boolean,
    ),
    dj(
        "np",
        "How many threads to use; the same as `threads`, which wins if both are given.",
        count,
    ),
    dj(
        "process",
        "The steps, in order: each an operator with its parameters, `- text_length_filter: {min_len: 10}`, or only its name.",
        // Steps are read one by one, with the catalog.
        || json!({}),
    ),
    dj(
        "custom_operator_paths",
        "Python files, and packages (folders with `__init__.py`), that register operators with Data-Juicer (`OPERATORS.register_module`). Their mappers, filters and aggregators can be steps, by the names they register; they run in Python, where `py-data-juicer` must be installed.",
        texts,
    ),
    dj(
        "strict_preflight",
        "False lets steps have parameters that their operators do not know: they are ignored, with a warning. Default: true.",
        boolean,
    ),
    native(
        "threads",
        "How many threads to use. Default: one per core.",
        count,
    ),
    native(
        "memory",
        "How much memory the run may use, in bytes or with a unit (`4GiB`).",
        size,
    ),
    native(
        "limit",
        "Stops after this many input samples. Default: all.",
        count_from_0,
    ),
    native(
        "rejects",
        "Where samples go that an operator could not process: a path, or `{path: ..., max: ...}` with the same `max` as `max_rejects`. Default: in the run directory.",
        rejects,
    ),
    native(
        "max_rejects",
        "How many samples may be rejected before the run fails: a number, or a share of the input such as `0.5%`. Default: no limit.",
        reject_limit,
    ),
    native(
        "trace_dropped",
        "Whether to write down every dropped sample with the reason and the measured value: true, false or a path. Default: false.",
        choice,
    ),
    native(
        "report",
        "Where the report goes: a path, or true or false. A page for people, ending in `.html`, lies beside it. Default: in the run directory.",
        choice,
    ),
    native(
        "run_dir",
        "Where the run keeps its manifest, from which it can be resumed. Default: beside the result.",
        text,
    ),
    native(
        "python",
        "The Python that runs Python operators; `--python` wins. Default: that of the active environment, else `python3`.",
        text,
    ),
    native(
        "operator_dirs",
        "Folders in which operator folders are looked for by their name or `raw_id`; `--operators` adds to them.",
        texts,
    ),
    native(
        "max_row_bytes",
        "The longest input sample, in bytes or with a unit; longer ones are rejected.",
        size,
    ),
    native(
        "split_bytes",
        "The size of the shares in which the input is handed out to threads, in bytes or with a unit.",
        size,
    ),
    refused(
        "decrypt_after_reading",
        "decrypt the input before the run; nothing is decrypted here",
    ),
    refused(
        "encrypt_before_export",
        "encrypt the result after the run; nothing is encrypted here, and the result would be readable",
    ),
    refused(
        "generated_dataset_config",
        "name the input with `dataset_path`; data sets are not generated here",
    ),
    ignored("adaptive_batch_size"),
    ignored("audio_special_token"),
    ignored("auto"),
    ignored("auto_num"),
    ignored("auto_op_parallelism"),
    ignored("backup_count"),
    ignored("cache_compress"),
    ignored("checkpoint"),
    ignored("checkpoint_dir"),
    ignored("config"),
    ignored("conflict_resolve_strategy"),
    ignored("custom-operator-paths"),
    ignored("data_probe_algo"),
    ignored("data_probe_ratio"),
    ignored("debug"),
    ignored("ds_cache_dir"),
    ignored("elastic_juicer_adaptive_batching"),
    ignored("elastic_juicer_metrics_max_in_flight"),
    ignored("elastic_juicer_profile_seed"),
    // Of versions after 1.6, as `optimizer_strategies`.
    ignored("enable_optimizer"),
    ignored("encryption_key_path"),
    ignored("eoc_special_token"),
    ignored("event_log_dir"),
    ignored("event_logging"),
    ignored("executor_type"),
    ignored("export_aws_credentials"),
    ignored("export_extra_args"),
    ignored("export_original_dataset"),
    ignored("fusion_strategy"),
    ignored("hpo_config"),
    ignored("image_special_token"),
    ignored("intermediate_storage"),
    ignored("job_id"),
    ignored("load_dataset_kwargs"),
    ignored("load_jsonl_lenient"),
    ignored("mapper_fusion"),
    ignored("mapper_fusion_vram_limit"),
    ignored("max_log_size_mb"),
    ignored("max_partition_size_mb"),
    ignored("min_common_dep_num_to_combine"),
    ignored("op_fusion"),
    ignored("op_list_to_mine"),
    ignored("op_list_to_trace"),
    ignored("open_insight_mining"),
    ignored("open_monitor"),
    ignored("open_tracer"),
    ignored("optimizer_strategies"),
    ignored("override_num_blocks"),
    ignored("partition"),
    ignored("partition_dir"),
    ignored("partition_size"),
    ignored("percentiles"),
    ignored("preserve_intermediate_data"),
    ignored("ray_address"),
    ignored("read_options"),
    ignored("resource_optimization"),
    ignored("resume"),
    ignored("save_stats_in_one_file"),
    ignored("skip_op_error"),
    ignored("temp_dir"),
    ignored("trace_keys"),
    ignored("trace_num"),
    ignored("turbo"),
    ignored("use_cache"),
    ignored("use_checkpoint"),
    ignored("use_dag"),
    ignored("validators"),
    ignored("video_special_token"),
    ignored("work_dir"),
];

/// Keys that are parameters of every step that takes them.
pub(crate) const SHARED: &[&str] = &["image_key", "image_bytes_key", "audio_key", "video_key"];

/// The key called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// What people mean by keys of other tools.
pub(crate) const OTHER_NAMES: &[(&str, &str)] = &[
    ("input", "dataset_path"),
    ("inputs", "dataset_path"),
    ("data", "dataset_path"),
    ("path", "dataset_path"),
    ("output", "export_path"),
    ("outputs", "export_path"),
    ("steps", "process"),
    ("ops", "process"),
    ("operators", "process"),
    ("pipeline", "process"),
    ("workers", "threads"),
    ("num_proc", "threads"),
    ("name", "project_name"),
    ("text_key", "text_keys"),
];

fn text() -> Value {
    json!({ "type": "string" })
}

fn texts() -> Value {
    json!({
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        WORDS: "text or a list of texts",
    })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}

fn count_from_0() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn size() -> Value {
    json!({
        "type": ["integer", "string"],
        "minimum": 0,
        "pattern": r"^\s*[0-9][0-9_.]*\s*(?:[bB]|[kKmMgGtT](?:[iI]?[bB])?)?\s*$",
        WORDS: "a size such as `512MiB`",
    })
}

fn choice() -> Value {
    json!({ "type": ["boolean", "string"], WORDS: "true, false or a path" })
}

fn reject_limit() -> Value {
    json!({
        "type": ["integer", "string"],
        "minimum": 0,
        "pattern": r"^\s*[0-9.]+\s*%\s*$",
        WORDS: "a number of samples or a share such as `0.5%`",
    })
}

fn rejects() -> Value {
    json!({
        "anyOf": [
            { "type": "string" },
            {
                "type": "object",
                "properties": {
                    "path": { "type": ["string", "null"], "description": "The reject file." },
                    "max": reject_limit(),
                },
                "additionalProperties": false,
            },
        ],
        WORDS: "a path or `{path: ..., max: ...}`",
    })
}

fn dataset() -> Value {
    let configs = json!({ "type": "array", "items": dataset_entry() });
    json!({
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    "configs": configs,
                    "max_sample_num": {
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "description": "How many samples to read at most, over all entries.",
                    },
                },
                "required": ["configs"],
                "additionalProperties": false,
            },
            configs,
        ],
        WORDS: "`configs: [{type: local, path: ...}]`",
    })
}

/// One entry of `dataset: {configs: [...]}`. Keys of remote sources are let
/// through, so that their one error is that they are remote.
fn dataset_entry() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "description": "`local`; a remote data set is an error.", "default": "local" },
            "path": { "anyOf": texts()["anyOf"], WORDS: "text or a list of texts", "description": "A file, a folder, a glob, or a URL of an object store." },
            "weight": { "type": ["number", "null"], "minimum": 0, "description": "The weight relative to the other entries. Default: 1." },
            "format": { "type": ["string", "null"], "description": "The format, such as `jsonl`; `documents` reads each file (HTML, PDF, Word, PowerPoint, Excel, CSV, XML, JSON, ...) as the text of one sample. Default: by the ending of the path." },
            "limit": { "type": ["integer", "null"], "minimum": 0, "description": "How many samples to read at most." },
            "source": { "description": "Where a remote data set comes from." },
            "split": { "description": "Ignored: a local file has no split." },
            "name": { "description": "Ignored." },
        },
    })
}
