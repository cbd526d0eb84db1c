//! Texts that are too long, with their middle left out.

/// The text if it has at most `chars_max` characters (any number if 0 or
/// less), else its head and tail around a note of how much was left out.
pub(super) fn cap(text: &str, chars_max: i64, head_ratio: f64) -> Option<String> {
    let chars_max = usize::try_from(chars_max).ok().filter(|max| *max > 0)?;
    if text.len() <= chars_max {
        return None;
    }
    let n_chars = text.chars().count();
    if n_chars <= chars_max {
        return None;
    }
    // What the original sets aside for the note.
    const NOTE_CHARS: usize = 128;
    let budget = chars_max.saturating_sub(NOTE_CHARS);
    if budget < 400 {
        let head = first(text, chars_max.saturating_sub(48));
        return Some(format!(
            "{head}\n…[truncated — agent_dialog_normalize_mapper]…"
        ));
    }
    let mut n_head = ((budget as f64 * head_ratio.clamp(0.35, 0.85)) as usize).max(200);
    let mut n_tail = budget.saturating_sub(n_head);
    if n_tail < 200 {
        n_tail = 200;
        n_head = (budget - n_tail).max(200);
    }
    let n_omitted = n_chars.checked_sub(n_head + n_tail).filter(|n| *n > 0)?;
    let note = format!(
        "\n\n[··· {n_omitted} chars omitted from middle; head+tail preserved — agent_dialog_normalize_mapper]\n\n"
    );
    let length = n_head + note.chars().count() + n_tail;
    if length > chars_max {
        n_head = n_head.saturating_sub(length - chars_max).max(120);
    }
    let tail = &text[first(text, n_chars - n_tail).len()..];
    Some([first(text, n_head), &note, tail].concat())
}

/// The first characters of a text.
fn first(text: &str, n_chars: usize) -> &str {
    let end = text.char_indices().nth(n_chars).map(|(at, _)| at);
    &text[..end.unwrap_or(text.len())]
}
