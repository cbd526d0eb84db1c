//! Columns of Parquet files, with types that JSON does not have.

use std::fs;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Decimal128Array, DictionaryArray, Int32Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::TempDir;
use wrasse_core::{Origin, Sample};
use wrasse_io::Finished;

use crate::reading::samples_at;
use crate::scene::Scene;

/// A Parquet file of 300 rows with types that JSON does not have.
fn typed_batch() -> RecordBatch {
    let n = 300;
    let text: StringArray = (0..n)
        .map(|i| Some(format!("text {i} {}", "é".repeat(i % 50))))
        .collect();
    let at = TimestampMicrosecondArray::from_iter((0..n as i64).map(|i| (i % 7 > 0).then_some(i)));
    let price = Decimal128Array::from_iter_values((0..n as i128).map(|i| i * 7));
    let blob = BinaryArray::from_iter_values((0..n).map(|i| vec![255, i as u8]));
    let lang: DictionaryArray<Int32Type> = (0..n).map(|i| ["de", "zh"][i % 2]).collect();
    let small = Int32Array::from_iter_values(0..n as i32);
    RecordBatch::try_from_iter([
        ("text", Arc::new(text) as ArrayRef),
        ("at", Arc::new(at.with_timezone("UTC"))),
        (
            "price",
            Arc::new(price.with_precision_and_scale(12, 2).unwrap()),
        ),
        ("blob", Arc::new(blob)),
        ("lang", Arc::new(lang)),
        ("small", Arc::new(small)),
    ])
    .unwrap()
}

/// The samples of a Parquet file that holds `batch`.
fn samples_of(batch: &RecordBatch) -> Vec<Sample> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.parquet");
    let mut writer =
        ArrowWriter::try_new(fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    let samples = samples_at(path.display().to_string());
    assert!(samples.iter().all(|sample| sample.columns().is_some()));
    samples
}

fn write_samples(scene: &Scene, samples: &[Sample], block_rows: usize, crash: bool) -> Finished {
    let mut sink = scene.open(None);
    for (i, samples) in samples.chunks(block_rows).enumerate() {
        let mut builder = sink.encoder().start();
        for sample in samples {
            builder.push(sample).unwrap();
        }
        sink.append(builder.finish()).unwrap();
        if crash && i % 3 == 0 {
            let position = sink.commit().unwrap();
            let mut garbage = sink.encoder().start();
            garbage.push(&samples[0]).unwrap();
            sink.append(garbage.finish()).unwrap();
            drop(sink);
            sink = scene.open(Some(&position));
        }
    }
    sink.finish().unwrap()
}

fn read_batch(bytes: &[u8]) -> RecordBatch {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let mut reader = reader.with_batch_size(100_000).build().unwrap();
    reader.next().unwrap().unwrap()
}

#[test]
fn untouched_columns_keep_their_types() {
    let batch = typed_batch();
    let mut samples = samples_of(&batch);
    let scene = Scene::new("x.parquet", None);
    let finished = write_samples(&scene, &samples, 17, true);
    assert!(finished.conflicts.is_empty(), "{:?}", finished.conflicts);
    let got = read_batch(&scene.files()["x.parquet"]);
    assert_eq!(got.columns(), batch.columns());

    for sample in samples.iter_mut().step_by(2) {
        let text = sample.text("text").unwrap().to_uppercase();
        sample.set_text("text", text);
        sample.set_value("score", &Value::from(0.5));
    }
    samples[3].set_value("small", &Value::from("odd"));
    samples[5].remove("at");
    let mut written = Vec::new();
    for (block_rows, crash) in [(300, false), (17, true)] {
        let scene = Scene::new("x.parquet", None);
        let finished = write_samples(&scene, &samples, block_rows, crash);
        assert_eq!(finished.conflicts.len(), 1);
        assert_eq!(finished.conflicts[0].column, "small");
        written.push(scene.files());
    }
    assert!(written[0] == written[1], "blocks and crashes show");
    let got = read_batch(&written[0]["x.parquet"]);
    for name in ["price", "blob", "lang"] {
        assert_eq!(
            got.column_by_name(name),
            batch.column_by_name(name),
            "{name}"
        );
    }
    let text = |name: &str, row: usize| {
        let column = got.column_by_name(name).unwrap().as_string::<i32>();
        column.value(row).to_owned()
    };
    assert_eq!(text("text", 2), "TEXT 2 ÉÉ");
    assert_eq!(text("text", 3), "text 3 ééé");
    assert_eq!(
        (text("small", 2), text("small", 3)),
        ("2".into(), "\"odd\"".into())
    );
    let at = got.column_by_name("at").unwrap();
    assert_eq!(at.data_type(), batch.column(1).data_type());
    assert!(at.is_null(5) && !at.is_null(6));
    let score = got.column_by_name("score").unwrap();
    assert_eq!(
        (score.null_count(), score.data_type()),
        (150, &DataType::Float64)
    );
}

#[test]
fn rows_of_files_with_other_columns_share_a_table() {
    let mut samples = samples_of(&typed_batch());
    let json = r#"{"text":"json","at":null,"small":2.5,"price":"dear","new":[1]}"#;
    samples.push(Sample::from_json(json.into(), Origin::default()).unwrap());
    let scene = Scene::new("x.parquet", None);
    let finished = write_samples(&scene, &samples, 40, false);
    let widened: Vec<&str> = finished
        .conflicts
        .iter()
        .map(|c| c.column.as_str())
        .collect();
    assert_eq!(widened, ["price", "small"]);
    let got = read_batch(&scene.files()["x.parquet"]);
    let price = got.column_by_name("price").unwrap().as_string::<i32>();
    assert_eq!((price.value(2), price.value(300)), ("0.14", "\"dear\""));
    assert_eq!(
        got.column_by_name("small").unwrap().data_type(),
        &DataType::Float64
    );
    assert!(got.column_by_name("at").unwrap().is_null(300));
    assert_eq!(got.column_by_name("new").unwrap().null_count(), 300);
}

#[test]
fn retained_rows_of_tables_are_written_and_no_others() {
    let mut samples = samples_of(&typed_batch());
    for i in 0..40 {
        let json = format!(r#"{{"text":"json","small":{}}}"#, 1_000 + i);
        samples.push(Sample::from_json(json.as_str().into(), Origin::default()).unwrap());
    }
    let scene = Scene::new("x.parquet", None);
    let mut sink = scene.open(None);
    let mut builder = sink.encoder().start();
    for sample in &samples {
        builder.push(sample).unwrap();
    }
    let mut all = builder.finish();
    let keep: Vec<bool> = (0..340).map(|i| i % 5 == 1).collect();
    all.retain(&keep);
    assert_eq!(all.n_rows(), 68);
    sink.append(all).unwrap();
    sink.finish().unwrap();
    let got = read_batch(&scene.files()["x.parquet"]);
    let small = got.column_by_name("small").unwrap();
    let small = small.as_primitive::<Int64Type>().values().to_vec();
    let from_json = (0..40).filter(|i| i % 5 == 1).map(|i| 1_000 + i);
    let want: Vec<i64> = (0..300).filter(|i| i % 5 == 1).chain(from_json).collect();
    assert_eq!(small, want);
}
