//! What samples promise: untouched stays untouched, changes are spliced.

use super::*;

fn sample(line: &str) -> Sample {
    Sample::from_json(line.into(), Origin::default()).unwrap()
}

fn written(sample: &Sample) -> String {
    let mut out = Vec::new();
    sample.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn of_overlapping_paths_the_last_one_counts() {
    let row = r#"{"a": {"b": 1, "c": 2}, "x": 0}"#;
    let edited = |edit: fn(&mut Sample)| {
        let mut sample = Sample::from_json(row.into(), Origin::default()).unwrap();
        edit(&mut sample);
        let mut json = Vec::new();
        sample.write_json(&mut json);
        let seen = sample.json("a").map(Cow::into_owned);
        (String::from_utf8(json).unwrap(), seen)
    };
    let (json, seen) = edited(|sample| {
        sample.set_text("a.b", "new");
        sample.remove("a");
    });
    assert_eq!((json.as_str(), seen), (r#"{ "x": 0}"#, None));
    let (json, seen) = edited(|sample| {
        sample.remove("a");
        sample.set_text("a.b", "new");
    });
    assert_eq!(json, r#"{"a": {"b":"new"}, "x": 0}"#);
    assert_eq!(seen.as_deref(), Some(r#"{"b":"new"}"#));
    let (_, seen) = edited(|sample| sample.set_text("a.b", "new"));
    assert_eq!(seen.as_deref(), Some(r#"{"b": "new", "c": 2}"#));
    let (json, _) = edited(|sample| {
        sample.set_json("a", "{}");
        sample.set_text("a.b", "old");
        assert_eq!(sample.text("a.b").unwrap().as_str(), "old");
        sample.set_text("a.b", "new");
        assert_eq!(sample.text("a.b").unwrap().as_str(), "new");
    });
    assert_eq!(json, r#"{"a": {"b":"new"}, "x": 0}"#);
    let (json, _) = edited(|sample| sample.remove("x.none"));
    assert_eq!(json, row);
}

#[test]
fn untouched_means_untouched() {
    let line = "{\"n\": 123456789012345678901234567890, \"text\" :\"\\u00e9\\/\", \"n\":1e5 }\r";
    let mut sample = sample(line);
    assert_eq!(sample.text("text").unwrap().as_str(), "é/");
    assert_eq!(written(&sample), line);
}

#[test]
fn only_what_changed_is_written_anew() {
    let mut sample = sample(r#"{"id":1.0,"text":"a","meta":{"lang":"en","k":[1, 2]}}"#);
    sample.set_text("text", "b\n");
    sample.set_text("meta.lang", "de");
    sample.set_text("meta.new", "x");
    sample.set_value("score", &Value::from(0.5));
    assert_eq!(
        written(&sample),
        r#"{"id":1.0,"text":"b\n","meta":{"lang":"de","k":[1, 2],"new":"x"},"score":0.5}"#
    );
}

#[test]
fn the_last_of_repeated_keys_counts() {
    let mut sample = sample(r#"{"text":"a","text":"b"}"#);
    assert_eq!(sample.text("text").unwrap().as_str(), "b");
    sample.set_text("text", "c");
    assert_eq!(written(&sample), r#"{"text":"a","text":"c"}"#);
    sample.remove("text");
    assert_eq!(written(&sample), "{}");
}

#[test]
fn missing_and_mistyped_fields_are_named() {
    let mut sample = sample(r#"{"content":"a","text":null,"bad":"\ud800"}"#);
    assert_eq!(
        sample.text("txt").unwrap_err().to_string(),
        "no field `txt`; the sample has `content`, `text`, `bad`"
    );
    assert_eq!(
        sample.text("text").unwrap_err().to_string(),
        "field `text` is null, expected a string"
    );
    assert!(matches!(
        sample.text("bad"),
        Err(FieldError::Encoding { .. })
    ));
}

#[test]
fn pieces_differ_in_their_text_only() {
    let mut sample = sample(r#"{"text":"a\nb","id":1}"#);
    sample.set_text("new", "n");
    sample.text("text").unwrap();
    let piece = sample.piece("text", "b", 1);
    assert_eq!(written(&piece), r#"{"text":"b","id":1,"new":"n"}"#);
    assert_eq!(piece.origin().piece, 1);
    assert_eq!(written(&sample), r#"{"text":"a\nb","id":1,"new":"n"}"#);
    let again = piece.piece("text", "c", 2).piece("new", "m", 3);
    assert_eq!(written(&again), r#"{"text":"c","id":1,"new":"m"}"#);
}

#[test]
fn stats_of_the_input_are_known() {
    let sample = sample(r#"{"text":"a","__dj__stats__":{"text_len":5,"lang":"en"}}"#);
    assert_eq!(sample.stats().number("text_len"), Some(5.0));
}

#[test]
fn what_was_measured_is_a_value() {
    let mut sample = sample(r#"{"text":"a","__dj__stats__":{"text_len":5}}"#);
    sample.stats_mut().set("num_words", crate::Stat::Int(1));
    sample.stats_mut().set("text_len", crate::Stat::Int(1));
    let value = |path: &str| sample.value(path).unwrap();
    assert_eq!(value("__dj__stats__.num_words"), Some(1.into()));
    assert_eq!(value("__dj__stats__.text_len"), Some(1.into()));
    assert_eq!(value("__dj__stats__.lang"), None);
    let all = serde_json::json!({"text_len": 1, "num_words": 1});
    assert_eq!(value("__dj__stats__"), Some(all));
}

#[test]
fn each_field_is_given_once_as_it_is_at_hand() {
    let fields = |sample: &Sample| {
        let mut fields = Vec::new();
        sample.each_field(|name, value| {
            fields.push(match value {
                Peek::Text(text) => format!("{name}: {text}"),
                Peek::Json(json) => format!("{name}= {json}"),
            });
        });
        fields
    };
    let mut sample = sample(r#"{"text":"a\nb","id":1,"meta":{"x": 2}}"#);
    assert_eq!(
        fields(&sample),
        [r#"text= "a\nb""#, "id= 1", r#"meta= {"x": 2}"#]
    );
    sample.text("text").unwrap();
    assert_eq!(fields(&sample)[0], "text: a\nb");
    sample.set_text("new", "n");
    sample.set_json("meta.x", "3");
    sample.remove("id");
    assert_eq!(
        fields(&sample),
        ["text: a\nb", r#"meta= {"x": 3}"#, "new: n"]
    );
}

#[test]
fn of_repeated_fields_the_last_is_given() {
    let sample = sample(r#"{"text":"a","id":1,"text":"b"}"#);
    let mut fields = Vec::new();
    sample.each_field(|name, value| fields.push(format!("{name}: {value:?}")));
    assert_eq!(fields, [r#"text: Json("\"b\"")"#, r#"id: Json("1")"#]);
}
