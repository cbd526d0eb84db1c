//! Edges of operators that look at whole rows, and of those for LaTeX and HTML.
//!
//! The wanted rows were taken from Data-Juicer 1.6.

use serde_json::Value;
use wrasse_op::testing;

use crate::{Case, build};

/// Rows before and after, as JSON.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("expand_macro_mapper", r#"{}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "\\newcommand{\\a}{x}\n\\a\\a \\ab \\a"}"#, r#"[{"text": "\\newcommand{x}{x}\nx\\a \\ab \\a"}]"#),
        (r#"{"text": "\\newcommand*{\\a}{1}\r\n\\a."}"#, r#"[{"text": "\\newcommand*{\\a}{1}\r\n\\a."}]"#),
        (r#"{"text": "\\def\\a{\\b}\n\\def\\b{y}\n\\a, \\b,"}"#, r#"[{"text": "\\defy{y}\n\\defy{y}\ny, y,"}]"#),
        (r#"{"text": "\\newcommand{\\a}{1}\n\\newcommand{\\a}{2}\n\\a "}"#, r#"[{"text": "\\newcommand{2}{1}\n\\newcommand{2}{2}\n2 "}]"#),
        (r#"{"text": "\\def \\x1 {é\\t}\n\\x1!"}"#, r#"[{"text": "\\def é\\t {é\\t}\né\\t!"}]"#),
    ]),
    ("remove_bibliography_mapper", r#"{}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a\\appendixpage b"}"#, r#"[{"text": "a"}]"#),
        (r#"{"text": "a\\bibliography{x"}"#, r#"[{"text": "a\\bibliography{x"}]"#),
        (r#"{"text": "a\\bibliography{x}b"}"#, r#"[{"text": "a"}]"#),
        (r#"{"text": "a\\bibliography{\\appendix"}"#, r#"[{"text": "a\\bibliography{"}]"#),
        (r#"{"text": "\\begin{thebibliography} a \\begin{references}"}"#, r#"[{"text": ""}]"#),
    ]),
    ("remove_comments_mapper", r#"{}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "%a"}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a%"}"#, r#"[{"text": "a%"}]"#),
        (r#"{"text": "a%b\n%c\nd"}"#, r#"[{"text": "\nd"}]"#),
        (r#"{"text": "a%%\nb"}"#, r#"[{"text": "\nb"}]"#),
        (r#"{"text": "\\%a %b"}"#, r#"[{"text": "\\%a"}]"#),
        (r#"{"text": "é%é\r\nc"}"#, r#"[{"text": "\nc"}]"#),
        (r#"{"text": "%\n%\na"}"#, r#"[{"text": "a"}]"#),
        (r#"{"text": "\n\n%x\n%y\nz"}"#, r#"[{"text": "\n\nz"}]"#),
    ]),
    ("remove_comments_mapper", r#"{"inline": false}"#, &[
        (r#"{"text": "a%b\n%c\n%d"}"#, r#"[{"text": "a%b\n"}]"#),
        (r#"{"text": "%only"}"#, r#"[{"text": ""}]"#),
    ]),
    ("remove_header_mapper", r#"{}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a\\section{b"}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a\\section[x]y{b}"}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a\\section[x]{b}c"}"#, r#"[{"text": "\\section[x]{b}c"}]"#),
        (r#"{"text": "\\sections{a} \\part*{b}"}"#, r#"[{"text": "\\part*{b}"}]"#),
        (r#"{"text": "a\n\\paragraph{b}\n\\chapter{c}"}"#, r#"[{"text": "\\paragraph{b}\n\\chapter{c}"}]"#),
        (r#"{"text": "a\\section\n{b}"}"#, r#"[{"text": ""}]"#),
    ]),
    ("remove_non_chinese_character_mapper", r#"{"keep_punc": false}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a1，b\n龥龦丁"}"#, r#"[{"text": "a1b龥丁"}]"#),
        (r#"{"text": "数据-2"}"#, r#"[{"text": "数据2"}]"#),
    ]),
    ("remove_table_text_mapper", r#"{}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": "a b\nc d\ne f\n"}"#, r#"[{"text": "a b\n"}]"#),
        (r#"{"text": "\na b\nc d\n"}"#, r#"[{"text": "\n"}]"#),
        (r#"{"text": "x\na  b\nc d\ne f"}"#, r#"[{"text": "x\na  b\nc d\ne f"}]"#),
        (r#"{"text": "x\na|b c\nd e f\n\n\ny\n"}"#, r#"[{"text": "x\ny\n"}]"#),
        (r#"{"text": "x\na b\r\nc d\r\n"}"#, r#"[{"text": "x\na b\r\nc d\r\n"}]"#),
        (r#"{"text": "x\na b\n\nc d\n1 2 3\n4 5 6\nz\n"}"#, r#"[{"text": "x\nz\n"}]"#),
        (r#"{"text": "x\n||| |\n| | |\n"}"#, r#"[{"text": "x\n"}]"#),
    ]),
    ("remove_words_with_incorrect_substrings_mapper", r#"{}"#, &[
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
        (r#"{"text": " a  http://b\n\n\tc "}"#, r#"[{"text": "a\nc"}]"#),
        (r#"{"text": "(//) a//b www"}"#, r#"[{"text": "(//)"}]"#),
        (r#"{"text": "HTTP .com x.com."}"#, r#"[{"text": "HTTP .com"}]"#),
    ]),
    ("remove_words_with_incorrect_substrings_mapper", r#"{"substrings": ["a b", ""]}"#, &[
        (r#"{"text": "c a b"}"#, r#"[{"text": ""}]"#),
        (r#"{"text": ""}"#, r#"[{"text": ""}]"#),
    ]),
    ("usage_counter_mapper", r#"{}"#, &[
        (r#"{"usage": null, "prompt_tokens": 3, "total_tokens": "x"}"#, r#"[{"usage": null, "prompt_tokens": 3, "total_tokens": "x", "__dj__meta__": {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": "x"}}]"#),
        (r#"{"usage": {"input_tokens": 2, "output_tokens": 1.5}}"#, r#"[{"usage": {"input_tokens": 2, "output_tokens": 1.5}, "__dj__meta__": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": null}}]"#),
        (r#"{"choices": [{"usage": {"total_tokens": 0}}, {"delta": {"prompt_tokens": true}}]}"#, r#"[{"choices": [{"usage": {"total_tokens": 0}}, {"delta": {"prompt_tokens": true}}], "__dj__meta__": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}}]"#),
        (r#"{"response_metadata": {"usage_metadata": {"prompt_tokens": 0, "input_tokens": 4}}, "__dj__meta__": {"a": 1}}"#, r#"[{"response_metadata": {"usage_metadata": {"prompt_tokens": 0, "input_tokens": 4}}, "__dj__meta__": {"a": 1, "prompt_tokens": 4, "completion_tokens": 0, "total_tokens": 4}}]"#),
    ]),
    ("agent_dialog_normalize_mapper", r#"{"history_tool_result_max_chars": 40, "include_system_in_first_user": true}"#, &[
        (r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "USER", "content": [{"type": "text", "text": {"value": "Hi"}}, "there", {"type": "image"}]}, {"role": "assistant", "content": [{"thinking": "hm"}], "tool_calls": [{"name": "f"}]}, {"role": "tool", "content": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"role": "assistant", "content": null, "tool_use": [{"function": {"name": "g"}}, {"function": {"name": "g"}}]}], "trace_id": " ", "id": [1, "a"], "pt": "p"}"#, r#"[{"messages": [{"role": "system", "content": "Be brief."}, {"role": "USER", "content": [{"type": "text", "text": {"value": "Hi"}}, "there", {"type": "image"}]}, {"role": "assistant", "content": [{"thinking": "hm"}], "tool_calls": [{"name": "f"}]}, {"role": "tool", "content": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"role": "assistant", "content": null, "tool_use": [{"function": {"name": "g"}}, {"function": {"name": "g"}}]}], "trace_id": " ", "id": [1, "a"], "pt": "p", "text": "User: Be brief.\n\nHi\nthere\n\nAssistant: hm\n[Tool result]\n\n…[truncated — agent_dialog_normalize_mapper]…\n\n[Tool calls: g]", "dialog_history": [["Be brief.\n\nHi\nthere", "hm\n[Tool result]\n\n…[truncated — agent_dialog_normalize_mapper]…\n\n[Tool calls: g]"]], "query": "Be brief.\n\nHi\nthere", "response": "hm\n[Tool result]\n\n…[truncated — agent_dialog_normalize_mapper]…\n\n[Tool calls: g]", "__dj__meta__": {"agent_dialog_history_compressed": true, "agent_turn_count": 1, "agent_tool_types": ["f", "g"], "agent_skill_types": [""], "agent_last_user_msg_idx": 1, "agent_last_assistant_msg_idx": 4, "agent_request_id": "[1, 'a']", "agent_pt": "p"}}]"#),
        (r#"{"messages": null, "choices": [{"message": {"content": ""}}, {"content": ["late"]}]}"#, r#"[{"messages": null, "choices": [{"message": {"content": ""}}, {"content": ["late"]}], "text": "", "dialog_history": [], "query": "", "response": "late", "__dj__meta__": {"agent_dialog_history_compressed": false, "agent_turn_count": 0, "agent_tool_types": [""], "agent_skill_types": [""]}}]"#),
        (r#"{"messages": [{"role": "assistant", "content": "see /x/SKILL.md\n## cron\n"}, {"role": "other"}, {"role": "user", "content": 7.0}]}"#, r#"[{"messages": [{"role": "assistant", "content": "see /x/SKILL.md\n## cron\n"}, {"role": "other"}, {"role": "user", "content": 7.0}], "text": "Assistant: see /x/SKILL.md\n## cron\n\nUser: 7.0", "dialog_history": [["", "see /x/SKILL.md\n## cron"], ["7.0", ""]], "query": "7.0", "response": "", "__dj__meta__": {"agent_dialog_history_compressed": false, "agent_turn_count": 2, "agent_tool_types": [""], "agent_skill_types": ["x", "cron"], "agent_last_user_msg_idx": 2, "agent_last_assistant_msg_idx": 0}}]"#),
    ]),
    ("agent_dialog_normalize_mapper", r#"{"history_max_user_chars": 700, "history_compress_head_ratio": 0.4, "extract_tool_skill_tags": false}"#, &[
        (r#"{"messages": [{"role": "user", "content": "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本"}]}"#, r#"[{"messages": [{"role": "user", "content": "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本"}], "text": "User: éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\n\n[··· 328 chars omitted from middle; head+tail preserved — agent_dialog_normalize_mapper]\n\n日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本", "dialog_history": [["éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\n\n[··· 328 chars omitted from middle; head+tail preserved — agent_dialog_normalize_mapper]\n\n日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本", ""]], "query": "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\n\n[··· 328 chars omitted from middle; head+tail preserved — agent_dialog_normalize_mapper]\n\n日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本日本", "response": "", "__dj__meta__": {"agent_dialog_history_compressed": true, "agent_turn_count": 1, "agent_last_user_msg_idx": 0}}]"#),
    ]),
    ("latex_figure_context_extractor_mapper", r#"{}"#, &[
        (r#"{"text": "\\begin{figure}\\begin{subfigure}[b]{1in}\\includegraphics{a}\\caption{A}\\label{s:a}\\end{subfigure}\\subfloat[B {x}]{\\includegraphics[w]{ b }}\\caption*{All}\\label{f}\\end{figure}\n\nOne \\cref{x, f}.\n\n\\begin{equation}\\ref{f}\\end{equation}\n\nTwo \\ref{s:a}."}"#, r#"[{"citing_paragraphs": ["One \\cref{x, f}.", "Two \\ref{s:a}."], "caption": "A", "parent_caption": "All", "parent_label": "f", "text": "\\begin{figure}\\begin{subfigure}[b]{1in}\\includegraphics{a}\\caption{A}\\label{s:a}\\end{subfigure}\\subfloat[B {x}]{\\includegraphics[w]{ b }}\\caption*{All}\\label{f}\\end{figure}\n\nOne \\cref{x, f}.\n\n\\begin{equation}\\ref{f}\\end{equation}\n\nTwo \\ref{s:a}.", "label": "s:a", "images": ["a"]}, {"citing_paragraphs": ["One \\cref{x, f}."], "caption": "B {x}", "parent_caption": "All", "parent_label": "f", "text": "\\begin{figure}\\begin{subfigure}[b]{1in}\\includegraphics{a}\\caption{A}\\label{s:a}\\end{subfigure}\\subfloat[B {x}]{\\includegraphics[w]{ b }}\\caption*{All}\\label{f}\\end{figure}\n\nOne \\cref{x, f}.\n\n\\begin{equation}\\ref{f}\\end{equation}\n\nTwo \\ref{s:a}.", "label": "", "images": ["b"]}]"#),
        (r#"{"text": "\\begin{wrapfigure}{r}{2in}\\begin{minipage}{1}\\includegraphics{a}\\end{minipage}\\begin{minipage}{1}\\captionof{table}{T}\\includegraphics{t}\\end{minipage}\\end{wrapfigure}"}"#, r#"[{"citing_paragraphs": [], "caption": "", "parent_caption": "", "parent_label": "", "text": "\\begin{wrapfigure}{r}{2in}\\begin{minipage}{1}\\includegraphics{a}\\end{minipage}\\begin{minipage}{1}\\captionof{table}{T}\\includegraphics{t}\\end{minipage}\\end{wrapfigure}", "label": "", "images": ["a"]}]"#),
        (r#"{"text": "\\begin{figure}\\subfloat{\\includegraphics{a}"}"#, r#"[]"#),
        (r#"{"text": "\\begin{figure}\\includegraphics{i}\\label{a}\\end{figure}\n\nNo \\ref{ a} \\ref{b a}.\n\nYes \\autoref{b,\n a , c}."}"#, r#"[{"citing_paragraphs": ["Yes \\autoref{b,\n a , c}."], "caption": "", "parent_caption": "", "parent_label": "", "text": "\\begin{figure}\\includegraphics{i}\\label{a}\\end{figure}\n\nNo \\ref{ a} \\ref{b a}.\n\nYes \\autoref{b,\n a , c}.", "label": "a", "images": ["i"]}]"#),
        (r#"{"text": "\\begin{figure*}\\includegraphics{i}\\label{a,b}\\end{figure*}\n\n\\ref{x, a,b}\n\n\\ref{a, b}"}"#, r#"[{"citing_paragraphs": ["\\ref{x, a,b}"], "caption": "", "parent_caption": "", "parent_label": "", "text": "\\begin{figure*}\\includegraphics{i}\\label{a,b}\\end{figure*}\n\n\\ref{x, a,b}\n\n\\ref{a, b}", "label": "a,b", "images": ["i"]}]"#),
        (r#"{"text": "\\begin{figure}[\\end{figure}]\\includegraphics{i}\\caption{a {b\\end{figure}"}"#, r#"[{"citing_paragraphs": [], "caption": "", "parent_caption": "", "parent_label": "", "text": "\\begin{figure}[\\end{figure}]\\includegraphics{i}\\caption{a {b\\end{figure}", "label": "", "images": ["i"]}]"#),
    ]),
    ("extract_tables_from_html_mapper", r#"{}"#, &[
        (r#"{"text": "<table><tr><td>a<td>b</tr><tr><th>c &amp &nosuch; &#128;</th></tr></table>", "__dj__meta__": {}}"#, r#"[{"text": "<table><tr><td>a<td>b</tr><tr><th>c &amp &nosuch; &#128;</th></tr></table>", "__dj__meta__": {"html_tables": [[["ab"], ["c & &nosuch €"]]]}}]"#),
        (r#"{"text": "<table><tr><td>x<table><tr><td> y </td></tr></table></td></tr></table>", "__dj__meta__": {}}"#, r#"[{"text": "<table><tr><td>x<table><tr><td> y </td></tr></table></td></tr></table>", "__dj__meta__": {"html_tables": [[["xy"], ["y"]], [["y"]]]}}]"#),
        (r#"{"text": "<TABLE><tr><td>a<!-- b --><![CDATA[ c ]]><script>d</script>e</td></tr>", "__dj__meta__": {}}"#, r#"[{"text": "<TABLE><tr><td>a<!-- b --><![CDATA[ c ]]><script>d</script>e</td></tr>", "__dj__meta__": {"html_tables": [[["ace"]]]}}]"#),
        (r#"{"text": "<table><tr></tr></table><table><td>no row</td></table>", "__dj__meta__": {}}"#, r#"[{"text": "<table><tr></tr></table><table><td>no row</td></table>", "__dj__meta__": {"html_tables": []}}]"#),
        (r#"{"text": "<table><tr><td>a</td><", "__dj__meta__": {}}"#, r#"[{"text": "<table><tr><td>a</td><", "__dj__meta__": {"html_tables": [[["a"]]]}}]"#),
        (r#"{"text": "<script><table></table>", "__dj__meta__": {}}"#, r#"[{"text": "<script><table></table>", "__dj__meta__": {"html_tables": []}}]"#),
    ]),
    ("extract_tables_from_html_mapper", r#"{"retain_html_tags": true}"#, &[
        (r#"{"text": "<table b='x\"y' a=\"'\" class=' p  q ' b=2><br></br><p/> \n &lt; a>b &#1;", "__dj__meta__": {}}"#, r#"[{"text": "<table b='x\"y' a=\"'\" class=' p  q ' b=2><br></br><p/> \n &lt; a>b &#1;", "__dj__meta__": {"html_tables": ["<table a=\"'\" b=\"2\" class=\"p q\"><br/><p></p> \n &lt; a&gt;b \u0001</table>"]}}]"#),
        (r#"{"text": "<table><!----><!x><!DOCTYPE y><?z?><script>1<2</script><td x= 'y><pre>  ", "__dj__meta__": {}}"#, r#"[{"text": "<table><!----><!x><!DOCTYPE y><?z?><script>1<2</script><td x= 'y><pre>  ", "__dj__meta__": {"html_tables": ["<table><!-- --><!--x--><!DOCTYPE y>\n<?z?><script>1<2</script><td 'y=\"\" x=\"\"><pre>  </pre></td></table>"]}}]"#),
        (r#"{"text": "<table><meta charset=gbk><a href='?a&b&lt=1&notit;'>é</a></tr></TABLE>z", "__dj__meta__": {}}"#, r#"[{"text": "<table><meta charset=gbk><a href='?a&b&lt=1&notit;'>é</a></tr></TABLE>z", "__dj__meta__": {"html_tables": ["<table><meta charset=\"utf-8\"/><a href=\"?a&amp;b&lt;=1¬it;\">é</a></table>"]}}]"#),
    ]),
    ("pii_redaction_mapper", r#"{}"#, &[
        (r#"{"text": "token: [REDACTED] a.b@c.de1 1.2.3.4 01.2.3.4.5 [::1] [fe80::1]:80 00:1a:2B:3c:4D:5e"}"#, r#"[{"text": "token: [REDACTED]] [EMAIL_REDACTED]1 [IP_REDACTED] [IP_REDACTED].5 [::1] [IP_REDACTED] [MAC_REDACTED]"}]"#),
        (r#"{"text": "user_id: 7, channel=\"Mail\" 当前的channel：飞书 ou_0123456789abcdef0123456789ABCDEF uid_abcdefghijklmnop-", "path": "/etc/x"}"#, r#"[{"text": "user_id[ID_REDACTED], channel=\"[CHANNEL_ID_REDACTED]\" 当前的channel：[CHANNEL_ID_REDACTED] [CHANNEL_ID_REDACTED] [CHANNEL_ID_REDACTED]-", "path": "[PATH_REDACTED]"}]"#),
        (r#"{"query": ["/tmp/a", "b"], "dialog_history": [["a@b.cc", 5, "x"], ["c@d.ee"]], "messages": [{"content": ["secret=1", {"text": "+86 13800138000", "path": "C:\\a"}], "tool_use": [{"arguments": {"file": "\\\\h\\x", "a": ["11010119900307407X"]}}]}], "n": {"list": ["eyJa.b.c"], "text": "/tmp/b"}}"#, r#"[{"query": ["[PATH_REDACTED]", "b"], "dialog_history": [["[EMAIL_REDACTED]", 5], ["[EMAIL_REDACTED]"]], "messages": [{"content": ["secret=[REDACTED]]", {"text": "+86 [PHONE_REDACTED]", "path": "[PATH_REDACTED]"}], "tool_use": [{"arguments": {"file": "[PATH_REDACTED]", "a": ["[ID_CARD_REDACTED]"]}}]}], "n": {"list": ["[JWT_REDACTED]"], "text": "/tmp/b"}}]"#),
    ]),
    ("pii_redaction_mapper", r#"{"email_replacement": "<\\g<0>>", "mask_paths": false, "redact_keys": ["a", "a"]}"#, &[
        (r#"{"a": "x@y.zz /tmp/z", "text": "x@y.zz", "path": "x@y.zz"}"#, r#"[{"a": "<<x@y.zz>> /tmp/z", "text": "x@y.zz", "path": "<x@y.zz>"}]"#),
    ]),
];

#[test]
fn rows_are_those_of_the_original() {
    let parse = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    for (name, params, rows) in CASES {
        let op = build(name, &parse(params)).unwrap();
        for (row, want) in *rows {
            let ran = testing::run(&op, &[parse(row)]).unwrap();
            assert_eq!(Value::from(ran.rows), parse(want), "{name} {params} {row}");
        }
    }
}

/// What a few bytes could blow up is an error, and soon.
#[test]
fn rows_that_would_grow_without_end_are_errors() {
    let bomb = |i: usize| format!("\\def\\a{i}{{\\a{0} \\a{0} }}\n", i + 1);
    let bomb: String = (0..40).map(bomb).collect();
    for (name, text) in [
        ("expand_macro_mapper", bomb + r"\a0 "),
        (
            "extract_tables_from_html_mapper",
            "<table><tr><td>x".repeat(20_000),
        ),
    ] {
        let op = build(name, &Value::Null).unwrap();
        let row = serde_json::json!({ "text": text });
        assert!(testing::run(&op, &[row]).is_err(), "{name}");
    }
}

/// What the original fails at fails here, and says at what.
#[test]
fn rows_of_the_wrong_shape_are_errors() {
    for (name, row, want) in [
        (
            "usage_counter_mapper",
            r#"{"usage": {"prompt_tokens": "7"}}"#,
            "expected a number in `prompt_tokens`",
        ),
        (
            "agent_dialog_normalize_mapper",
            r#"{"messages": [{}, "a"]}"#,
            "expected an object as message 1",
        ),
        (
            "agent_dialog_normalize_mapper",
            r#"{"messages": [{"role": 7}]}"#,
            "expected a string as role",
        ),
        (
            "latex_merge_tex_mapper",
            r#"{"text": ""}"#,
            "compressed_file",
        ),
        (
            "extract_tables_from_html_mapper",
            r#"{"text": "<![x]>"}"#,
            "unknown section",
        ),
        (
            "extract_tables_from_html_mapper",
            r#"{"text": "", "__dj__meta__": 7}"#,
            "__dj__meta__",
        ),
    ] {
        let op = build(name, &Value::Null).unwrap();
        let error = testing::run(&op, &[serde_json::from_str(row).unwrap()]).unwrap_err();
        assert!(error.message.contains(want), "{name} {row}: {error}");
    }
}
