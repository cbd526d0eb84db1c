//! Mappers: one sample in, one sample out.

wrasse_op::operators! {
    clean_copyright_mapper,
    clean_email_mapper,
    clean_html_mapper,
    clean_ip_mapper,
    clean_links_mapper,
    expand_macro_mapper,
    fix_unicode_mapper,
    punctuation_normalization_mapper,
    remove_bibliography_mapper,
    remove_comments_mapper,
    remove_header_mapper,
    remove_long_words_mapper,
    remove_non_chinese_character_mapper,
    remove_repeat_sentences_mapper,
    remove_specific_chars_mapper,
    remove_table_text_mapper,
    remove_words_with_incorrect_substrings_mapper,
    replace_content_mapper,
    whitespace_normalization_mapper,
}
