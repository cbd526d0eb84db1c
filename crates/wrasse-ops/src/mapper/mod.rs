//! Mappers: one sample in, one sample out.

wrasse_op::operators! {
    c4_quality_mapper,
    clean_copyright_mapper,
    clean_email_mapper,
    clean_html_mapper,
    clean_ip_mapper,
    clean_links_mapper,
    fix_unicode_mapper,
    punctuation_normalization_mapper,
    remove_long_words_mapper,
    remove_repeat_sentences_mapper,
    remove_specific_chars_mapper,
    replace_content_mapper,
    whitespace_normalization_mapper,
}
